"""Replay of a memory of a fixed number of images."""

from dataclasses import replace
from typing import Any

import torch

from avalanche_seg.benchmarks import ExperienceData
from avalanche_seg.plugins.replay.image_memory import ImageMemory
from avalanche_seg.plugins.replay.plugin import ReplayPlugin

__all__ = ["ImageReplayPlugin"]


class ImageReplayPlugin(ReplayPlugin):
    """Replays an :class:`ImageMemory`, as SSUL-M and DKD-M do.

    Args:
        memory: of images.
        half: half of every batch are images of the memory, in the places of new ones (SSUL-M); else
            the memory is joined with the step's images (DKD-M).

    Raises:
        ValueError: before step 0, when the memory has more places than that step has images.
    """

    def __init__(self, memory: ImageMemory, *, half: bool = False) -> None:
        super().__init__(memory, share=0.5 if half else None, replace=half)
        self.images = memory

    def training_data(self, experience: Any) -> ExperienceData:
        """What a step's own images are trained on."""
        data = super().training_data(experience)
        if not self.images.raw_labels:
            return data
        return replace(data, constants={**data.constants, "raw_labels": torch.tensor(False)})

    def before_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Look whether the memory can be filled."""
        n_images = len(strategy.experience.data.indices)
        if strategy.experience.current_experience == 0 and n_images < self.images.size:
            raise ValueError(
                f"memory_size={self.images.size}: step 0 has {n_images} images; expected a memory "
                f"of at most so many: say memory_size={n_images} or less"
            )
