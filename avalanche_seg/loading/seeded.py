"""Batches whose random transforms do not depend on who loads them.

The training process draws the order of the images and one seed for each of them; a sample is
transformed with torch's generator at its seed. So the number of worker processes changes nothing,
and training that goes on from a checkpoint, or in several processes, sees the same pixels.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from avalanche_seg.loading.collate import collate
from avalanche_seg.system import rank, world_size

__all__ = ["RankShard", "SeededBatches", "SeededDataset", "seeded_loader"]

SeededIndex = tuple[int, int]


class SeededBatches(Sampler[list[SeededIndex]]):
    """The batches of another sampler, every index with a seed from torch's generator.

    Args:
        batches: yields lists of indices.
    """

    def __init__(self, batches: Sampler[list[int]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        # One draw per epoch from the global generator, however far workers load ahead.
        generator = torch.Generator().manual_seed(int(torch.randint(2**63 - 1, ())))
        for batch in self.batches:
            seeds = torch.randint(2**63 - 1, (len(batch),), generator=generator).tolist()
            yield list(zip(batch, seeds, strict=True))


class RankShard(Sampler[Any]):
    """Of every batch, the samples of this process: every n-th, of n processes.

    All processes draw the same batches, so together they see each batch once.

    Args:
        batches: yields lists.

    Raises:
        ValueError: while iterating, for a batch that leaves a process without a sample.
    """

    def __init__(self, batches: Sampler[list[SeededIndex]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        for batch in self.batches:
            if len(batch) < world_size():
                raise ValueError(
                    f"a batch of {len(batch)} images leaves some of {world_size()} processes "
                    "without one; start fewer processes, or raise the batch size"
                )
            yield batch[rank() :: world_size()]


class SeededDataset(Dataset[Any]):
    """Another data set, asked with (index, seed).

    Random transforms must draw from torch's generator, as torchvision's do; its state is put back
    after every sample.

    Args:
        dataset: asked with the index.

    Example:
        >>> class Noise(Dataset):
        ...     def __getitem__(self, index):
        ...         return float(torch.rand(()))
        >>> noise = SeededDataset(Noise())
        >>> noise[0, 7] == noise[0, 7], noise[0, 7] == noise[0, 8]
        (True, False)
    """

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def __getitem__(self, item: SeededIndex) -> Any:
        index, seed = item
        generator = torch.default_generator
        before = generator.get_state()
        generator.manual_seed(seed)
        try:
            return self.dataset[index]
        finally:
            generator.set_state(before)


def seeded_loader(
    dataset: Dataset[Any], batches: Sampler[list[int]], **options: Any
) -> DataLoader[Any]:
    """A loader of the given batches, every sample with a seed of its own.

    Of several processes each loads its share of every batch.

    Args:
        dataset: the samples.
        batches: yields lists of indices.
        **options: of ``DataLoader``.

    Example:
        >>> noise = [(torch.zeros(1), i) for i in range(4)]
        >>> loader = seeded_loader(noise, [[0, 3], [2]])
        >>> [numbers.tolist() for _, numbers in loader]
        [[0, 3], [2]]
    """
    # A generator of its own for the workers' base seed: the order must not depend on their number.
    options["generator"] = torch.Generator()
    options.setdefault("collate_fn", collate)
    sampler: Sampler[Any] = SeededBatches(batches)
    if world_size() > 1:
        sampler = RankShard(sampler)
    return DataLoader(SeededDataset(dataset), batch_sampler=sampler, **options)
