"""Exemplars among the step's images."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from avalanche_seg.benchmarks.scenario import ExperienceData
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.exemplars import ClassExemplarsBuffer, annotating, class_candidates

__all__ = ["FixedShareSampler", "SMiBPlugin"]


class FixedShareSampler(Sampler[list[int]]):
    """Batches with a fixed number of exemplars each.

    An epoch is one pass over the new images, in a random order; the short last batch is dropped
    unless it is the only one. Exemplars are drawn from random passes over the memory, one after the
    other.

    Args:
        n_new: new images, the indices 0..n_new-1.
        n_memory: exemplars, the indices that follow.
        batch_size: images a batch.
        share: of a batch that comes from the memory; at least one image, and one is left for new
            images.
    """

    def __init__(self, n_new: int, n_memory: int, batch_size: int, share: float) -> None:
        self.n_new, self.n_memory = n_new, n_memory
        self.from_memory = min(max(1, round(share * batch_size)), batch_size - 1)
        self.from_new = min(batch_size - self.from_memory, n_new)

    def __len__(self) -> int:
        return self.n_new // self.from_new

    def __iter__(self) -> Iterator[list[int]]:
        new = torch.randperm(self.n_new).tolist()
        memory: list[int] = []
        for batch in range(len(self)):
            while len(memory) < self.from_memory:
                memory += [self.n_new + i for i in torch.randperm(self.n_memory).tolist()]
            start = batch * self.from_new
            yield new[start : start + self.from_new] + memory[: self.from_memory]
            memory = memory[self.from_memory :]


class SMiBPlugin(SegmentationPlugin):
    """Joins the exemplars of earlier classes with the images of the step, for any strategy.

    Args:
        buffer: the memory.
        share: None: the union of the step's images and the exemplars, shuffled, without
            oversampling (as published). A number in (0, 1): this share of every batch is exemplars.

        strict: the step's images show the classes of the step alone, whatever the benchmark shows,
            and are stored so; every sample ends with the channels it annotates.

    Raises:
        ValueError: for a share out of range; before a step's training when one of its classes has
            no image.
    """

    def __init__(
        self,
        buffer: ClassExemplarsBuffer | None = None,
        *,
        share: float | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__()
        if share is not None and not 0 < share < 1:
            raise ValueError(f"share={share}; expected None or a number between 0 and 1")
        self.buffer = ClassExemplarsBuffer() if buffer is None else buffer
        self.share = share
        self.strict = strict
        self._n_new = 0

    def training_data(self, experience: Any) -> ExperienceData:
        """What a step's own images are trained on."""
        data: ExperienceData = experience.data
        if not self.strict:
            return data
        own = replace(data, label_map=data.map_showing([experience.current_experience]))
        return annotating(own, experience.label_space)

    def after_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Add the exemplars to the data set that is trained on."""
        experience = strategy.experience
        class_candidates(experience)  # Every class must have an image: raise now.
        if self.strict:
            strategy.adapted_dataset = self.training_data(experience).build().train()
        self._n_new = len(strategy.adapted_dataset)
        memory = self.buffer.dataset(experience.current_experience, annotate=self.strict)
        if len(memory) > 0:
            strategy.adapted_dataset = strategy.adapted_dataset.concat(memory.train())

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """For a fixed share, give the loader batches of that share."""
        n_memory = len(strategy.adapted_dataset) - self._n_new
        if self.share is None or n_memory == 0:
            return
        loader = strategy.dataloader
        strategy.dataloader = DataLoader(
            strategy.adapted_dataset,
            batch_sampler=FixedShareSampler(
                self._n_new, n_memory, strategy.train_mb_size, self.share
            ),
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            worker_init_fn=loader.worker_init_fn,
            persistent_workers=loader.persistent_workers,
        )

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Draw exemplars for the step's classes."""
        experience = strategy.experience
        self.buffer.post_adapt(strategy, experience, data=self.training_data(experience))
