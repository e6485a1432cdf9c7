"""Batch norms that one image is too little for, found before anything is trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.data import BatchSampler

from avalanche_seg.system import world_size

__all__ = ["check_single_image", "single_value_norms", "smallest_batch"]


def smallest_batch(loader: Any) -> int | None:
    """The fewest images that one process gets in a batch; None where that is not known.

    Args:
        loader: of training.

    Example:
        >>> from avalanche_seg.loading import train_loader
        >>> import torch
        >>> samples = [(torch.zeros(3, 4, 4), torch.zeros(4, 4)) for _ in range(5)]
        >>> smallest_batch(train_loader(samples, 2, {})), smallest_batch(
        ...     train_loader(samples, 2, {"drop_last": False})
        ... )
        (2, 1)
    """
    batches: Any = getattr(loader, "batch_sampler", None)
    while hasattr(batches, "batches"):
        batches = batches.batches
    if not isinstance(batches, BatchSampler):
        return None
    size, rest = batches.batch_size, 0
    if not batches.drop_last:
        rest = len(batches.sampler) % size  # type: ignore[arg-type]
    return (rest or size) // world_size()


@contextmanager
def single_value_norms(model: nn.Module) -> Iterator[list[str]]:
    """Collects the batch norms that get one value of a channel per image, as after global pooling.

    Args:
        model: which is run in the context.

    Yields:
        their names in the model, those in training mode; filled as the model runs.
    """
    found: list[str] = []

    def watch(name: str) -> Any:
        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if module.training and inputs[0][0, 0].numel() == 1:
                found.append(name)

        return note

    handles = [
        module.register_forward_pre_hook(watch(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def check_single_image(strategy: Any) -> Iterator[None]:
    """Refuse a training whose batches of one image a batch norm could not normalise.

    Where a batch of the step has one image only, the first batch that runs in this context is
    watched, whatever its size.

    Args:
        strategy: that is training, about to run its model.

    Raises:
        ValueError: naming the batch norm, and what to set.
    """
    first = strategy.clock.train_exp_iterations == 0
    if len(strategy.mb_x) > 1 and not (first and smallest_batch(strategy.dataloader) == 1):
        yield
        return
    names: list[str] = []
    try:
        with single_value_norms(strategy.model) as names:
            yield
    except ValueError as error:
        if not names:
            raise
        raise ValueError(_sentence(strategy, names[0])) from error
    if names:
        raise ValueError(_sentence(strategy, names[0]))


def _sentence(strategy: Any, name: str) -> str:
    n_images, size = len(strategy.adapted_dataset), strategy.train_mb_size
    if size // world_size() <= 1:
        cause, remedy = f"train_mb_size={size}", "raise train_mb_size"
    elif n_images <= size:
        cause, remedy = f"a step of {n_images} images", "choose a task with more images per step"
    else:
        cause = f"train_mb_size={size} with drop_last=False and {n_images} images"
        remedy = "leave drop_last out or choose another train_mb_size"
    return (
        f"{cause} gives a process a batch of one image, of which the model's batch norm {name!r} "
        f"sees one value per channel; expected two images: {remedy}, or freeze its statistics "
        "with FreezePlugin(batch_norm=True)"
    )
