"""The data loaders of training and evaluation."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
)

from avalanche_seg.loading.collate import collate_by_size
from avalanche_seg.loading.seeded import seeded_loader
from avalanche_seg.system import rank, world_size

__all__ = ["eval_loader", "loader_options", "train_loader"]

_ARGUMENTS = frozenset(inspect.signature(DataLoader).parameters) - {"dataset", "batch_size"}


def loader_options(
    own: Mapping[str, Any], given: Mapping[str, Any], *, device: torch.device
) -> dict[str, Any]:
    """Arguments of a loader: the strategy's own, then those given to ``train`` or ``eval``.

    Avalanche passes every keyword of ``train`` and ``eval`` on, whoever it is for; those that no
    ``DataLoader`` knows are left to others. Workers live as long as their loader, unless
    ``persistent_workers`` is off: through all epochs of an experience.

    Args:
        own: arguments the strategy was made with.
        given: keywords of ``train`` or ``eval``; they win.
        device: where batches go; memory is pinned for a GPU.

    Example:
        >>> loader_options({"num_workers": 2}, {"num_workers": 0}, device=torch.device("cpu"))
        {'pin_memory': False, 'num_workers': 0}
    """
    known = {name: value for name, value in given.items() if name in _ARGUMENTS}
    options = {"pin_memory": device.type == "cuda", **own, **known}
    if options.get("num_workers", 0) > 0:
        options.setdefault("persistent_workers", True)
    else:
        options.pop("persistent_workers", None)
    return options


def train_loader(
    dataset: Dataset[Any],
    batch_size: int,
    options: Mapping[str, Any],
) -> DataLoader[Any]:
    """Shuffled batches; the short last one is dropped, as published, unless it is the only one.

    Every sample has a seed of its own; see :mod:`avalanche_seg.loading.seeded`.

    Args:
        dataset: map-style, of tuples (image, ...).
        batch_size: images per batch, over all processes.
        options: of ``DataLoader``; see :func:`loader_options`.

    Raises:
        ValueError: when ``drop_last`` was asked for and leaves no batch.

    Example:
        >>> samples = [(torch.zeros(3, 4, 4), torch.zeros(4, 4)) for _ in range(5)]
        >>> [len(images) for images, labels in train_loader(samples, 2, {})]
        [2, 2]
    """
    n_images = len(dataset)  # type: ignore[arg-type]
    chosen = dict(options)
    drop_last = chosen.pop("drop_last", n_images >= batch_size)
    shuffle = chosen.pop("shuffle", True)
    if drop_last and n_images < batch_size:
        raise ValueError(
            f"drop_last leaves no batch of {batch_size} from the {n_images} images of this step; "
            "lower train_mb_size, or leave drop_last out"
        )
    order = chosen.pop("sampler", None)
    if order is None:
        generator = chosen.get("generator")
        order = RandomSampler(range(n_images), generator=generator)
        order = order if shuffle else SequentialSampler(range(n_images))
    batches = BatchSampler(order, batch_size, drop_last)
    return seeded_loader(dataset, batches, **chosen)


def eval_loader(
    dataset: Dataset[Any],
    batch_size: int,
    options: Mapping[str, Any],
) -> DataLoader[Any]:
    """Batches in order, every image once: of several processes each loads every n-th batch.

    Images of different sizes may be among them: a batch is given in parts of one size each.

    Args:
        dataset: map-style, of tuples (image, ...).
        batch_size: images per batch.
        options: of ``DataLoader``, but for those that would change the order.

    Example:
        >>> samples = [(torch.zeros(3, 4, 4), torch.zeros(4, 4)) for _ in range(5)]
        >>> [len(images) for images, labels in eval_loader(samples, 2, {})]
        [2, 2, 1]
        >>> samples[1] = (torch.zeros(3, 2, 9), torch.zeros(2, 9))
        >>> [len(images) for images, labels in eval_loader(samples, 2, {})]
        [1, 1, 2, 1]
    """
    chosen = {**options}
    for name in ("sampler", "shuffle", "drop_last"):
        chosen.pop(name, None)
    # A generator of its own: evaluating must not move the random numbers of the training.
    chosen["generator"] = torch.Generator()
    n_images = len(dataset)  # type: ignore[arg-type]
    starts = range(rank() * batch_size, n_images, world_size() * batch_size)
    batches = [list(range(start, min(start + batch_size, n_images))) for start in starts]
    if "collate_fn" in chosen:
        return DataLoader(dataset, batch_sampler=batches, **chosen)
    return _Parts(dataset, batch_sampler=batches, collate_fn=collate_by_size, **chosen)


class _Parts(DataLoader[Any]):
    """Batches that the collate function gives in parts."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for parts in super().__iter__():
            yield from parts
