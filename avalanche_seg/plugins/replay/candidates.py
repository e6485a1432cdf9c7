"""Exemplars, and the images of a step that may become one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from avalanche_seg.benchmarks import ExperienceData
from avalanche_seg.labels import BACKGROUND, LabelSpace

__all__ = ["Exemplar", "with_annotated_channels", "class_candidates", "older_candidates"]


@dataclass(frozen=True)
class Exemplar:
    """One image of the memory.

    Attributes:
        image: its index in the training split.
        channel: the class it stands for.
        step: the step it was drawn from.
    """

    image: int
    channel: int
    step: int


def class_candidates(experience: Any) -> dict[int, list[int]]:
    """The images of a step that show each of its foreground classes.

    Where steps are domains, a domain may lack a class.

    Raises:
        ValueError: when a class of the step has no image; it could not be learned either.
    """
    data, space = experience.data, experience.label_space
    found = {}
    for channel in experience.classes_in_this_experience:
        if channel == BACKGROUND and space.has_background:
            continue
        shows = data.counts[data.indices, space.class_order[channel]] > 0
        if not shows.any():
            if space.is_domain_incremental:
                continue
            raise ValueError(
                f"the class {space.channel_names[channel]!r} of step "
                f"{experience.current_experience} has no training image, so no exemplar; choose "
                "another setting or task"
            )
        found[channel] = data.indices[shows].tolist()
    return found


def older_candidates(
    experience: Any, data: ExperienceData, exemplars: Mapping[int, Sequence[Exemplar]]
) -> dict[int, list[int]]:
    """For every class of the memory: its exemplars, and the images of a step whose labels show it.

    Args:
        experience: the step.
        data: what it was trained on.
        exemplars: the memory, by channel.
    """
    found = {}
    for channel, chosen in exemplars.items():
        images = {e.image for e in chosen}
        if channel in data.label_map:
            shows = data.counts[data.indices, experience.label_space.class_order[channel]] > 0
            images |= set(data.indices[shows].tolist())
        found[channel] = sorted(images)
    return found


def with_annotated_channels(
    data: ExperienceData, space: LabelSpace, channels: Iterable[int] | None = None
) -> ExperienceData:
    """The same data, every sample with the extra "annotated".

    Args:
        data: of a step.
        space: its classes.
        channels: those it annotates; None for those that its label map shows.
    """
    annotated = np.zeros(space.n_channels, dtype=np.bool_)
    shown = np.unique(data.label_map) if channels is None else channels
    annotated[[channel for channel in shown if channel != space.void]] = True
    return replace(data, constants={**data.constants, "annotated": torch.from_numpy(annotated)})
