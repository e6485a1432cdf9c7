"""The memory of SMiB: a few images that stand for each class."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.training.storage_policy import ExemplarsBuffer
from numpy.typing import NDArray
from torch import Tensor, nn

from avalanche_seg.benchmarks.scenario import ExperienceData
from avalanche_seg.labels import BACKGROUND, VOID, LabelSpace
from avalanche_seg.models import as_output
from avalanche_seg.normalization import normalize_images
from avalanche_seg.plugins.selection import (
    SELECTIONS,
    assign,
    herding_order,
    largest_order,
    random_order,
)

__all__ = ["LABEL_MODES", "ClassExemplarsBuffer", "Exemplar", "annotating", "class_candidates"]

LABEL_MODES = ("visible", "stored")


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


class ClassExemplarsBuffer(ExemplarsBuffer):
    """A fixed number of exemplars for every class learned so far.

    After a step, images are drawn for its classes from what the step could see; the exemplars of
    earlier classes stay. An image stands for one class, though it may show several. The buffer
    holds indices into the data set, never pixels.

    Args:
        n_per_class: exemplars a class.
        selection: "random"; "largest": the images with the largest area of the class; "herding":
            iCaRL's order on the mean feature over the class's pixels.
        labels: what an exemplar shows later: "visible": every class seen so far (SMiB's paper);
            "stored": the labels of the step it was drawn from (strict).
        seed: seed of the random selection.

    Attributes:
        exemplars: the memory, by channel.

    Raises:
        ValueError: for a negative number, an unknown selection or label mode.
    """

    def __init__(
        self,
        n_per_class: int = 5,
        *,
        selection: str = "random",
        labels: str = "visible",
        seed: int = 0,
    ) -> None:
        super().__init__(n_per_class)
        if n_per_class < 0:
            raise ValueError(f"n_per_class={n_per_class}; expected zero or more exemplars a class")
        for name, value, known in (
            ("selection", selection, SELECTIONS),
            ("labels", labels, LABEL_MODES),
        ):
            if value not in known:
                raise ValueError(f"{name}={value!r} is unknown; expected one of {', '.join(known)}")
        self.n_per_class = n_per_class
        self.selection = selection
        self.labels = labels
        self.seed = seed
        self.exemplars: dict[int, list[Exemplar]] = {}
        self._data: dict[int, ExperienceData] = {}
        self._space: Any = None  # A LabelSpace once a step was seen.

    def __len__(self) -> int:
        return sum(len(chosen) for chosen in self.exemplars.values())

    def post_adapt(self, agent_state: Any, exp: Any, *, data: ExperienceData | None = None) -> None:
        """Draw exemplars for the classes of a step that was just learned; once a step.

        Args:
            agent_state: the strategy; its model is asked for features when herding.
            exp: the step.
            data: what the step was trained on, when it is not ``exp.data``.
        """
        step = exp.current_experience
        if step in self._data or self.n_per_class == 0:
            return
        candidates = class_candidates(exp)
        taken = {e.image for chosen in self.exemplars.values() for e in chosen}
        orders = {
            channel: self._order(agent_state, exp, channel, [i for i in images if i not in taken])
            for channel, images in candidates.items()
        }
        for channel, images in assign(orders, self.n_per_class).items():
            if len(images) < self.n_per_class:
                warnings.warn(
                    f"the class {exp.label_space.channel_names[channel]!r} gets {len(images)} of "
                    f"{self.n_per_class} exemplars: step {step} shows it in no more images that "
                    "stand for no other class",
                    stacklevel=2,
                )
            self.exemplars[channel] = [Exemplar(image, channel, step) for image in images]
        self._data[step] = exp.data if data is None else data
        self._space = exp.label_space

    def dataset(self, step: int, *, annotate: bool = False) -> AvalancheDataset:
        """The memory as training samples of ``step``, with the labels of the label mode.

        Args:
            step: the step that is about to be trained; only exemplars of earlier steps are given.
            annotate: end every sample with the channels that it annotates (bool, one a channel).
        """
        parts = []
        for drawn_at, data in self._data.items():
            chosen = [e for c in self.exemplars.values() for e in c if e.step == drawn_at]
            if drawn_at >= step or not chosen:
                continue
            label_map = data.label_map
            if self.labels == "visible":
                label_map = data.map_showing(range(min(step + 1, self._space.n_steps)))
            part = replace(
                data,
                indices=np.array(sorted(e.image for e in chosen), dtype=np.int64),
                label_map=label_map,
                annotated=None,
            )
            if annotate:
                part = annotating(part, self._space)
            parts.append(part.build())
        if not parts:
            return AvalancheDataset([])
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.concat(part)
        return whole

    @property
    def buffer(self) -> AvalancheDataset:
        """The memory as the next step would train on it."""
        return self.dataset(max(self._data, default=-1) + 1)

    def resize(self, strategy: Any, new_size: int) -> None:
        """Keep at most ``new_size`` exemplars a class, the best ones."""
        self.n_per_class = self.max_size = new_size
        self.exemplars = {channel: e[:new_size] for channel, e in self.exemplars.items()}

    def _order(self, agent: Any, exp: Any, channel: int, candidates: list[int]) -> list[int]:
        if self.selection == "random":
            return random_order(candidates, np.random.default_rng([self.seed, channel]))
        if self.selection == "largest":
            class_id = exp.label_space.class_order[channel]
            return largest_order(candidates, exp.data.counts[candidates, class_id].tolist())
        if not candidates:
            return []
        return herding_order(candidates, _class_features(agent, exp.data, channel, candidates))


def class_candidates(experience: Any) -> dict[int, list[int]]:
    """The images of a step that show each of its foreground classes.

    Raises:
        ValueError: when a class of the step has no image; it could not be learned either.
    """
    data, space = experience.data, experience.label_space
    found = {}
    for channel in experience.classes_in_this_experience:
        if channel == BACKGROUND:
            continue
        shows = data.counts[data.indices, space.class_order[channel]] > 0
        if not shows.any():
            raise ValueError(
                f"the class {space.channel_names[channel]!r} of step "
                f"{experience.current_experience} has no training image, so no exemplar; choose "
                "another setting or task"
            )
        found[channel] = data.indices[shows].tolist()
    return found


def annotating(data: ExperienceData, space: LabelSpace) -> ExperienceData:
    """The same data, every sample ending with the channels that its label map shows."""
    annotated = np.zeros(space.n_channels, dtype=np.bool_)
    annotated[[channel for channel in np.unique(data.label_map) if channel != VOID]] = True
    return replace(data, annotated=annotated)


@torch.no_grad()
def _class_features(
    agent: Any, data: ExperienceData, channel: int, candidates: list[int]
) -> NDArray[np.float64]:
    """Mean of the model's features over the class's pixels, one row a candidate."""
    part = replace(data, indices=np.array(candidates), group="eval", annotated=None)
    model, device = agent.model, agent.device
    modes = {module: module.training for module in model.modules()}
    model.eval()
    rows = []
    for image, labels in part.build():
        features = _features(model, image.to(device))
        weight = (labels.to(device) == channel).to(features.dtype)[None, None]
        weight = nn.functional.interpolate(weight, size=features.shape[-2:], mode="area")
        if weight.sum() == 0:  # The evaluation's crop cut the class off.
            weight = torch.ones_like(weight)
        rows.append(((features * weight).sum((2, 3)) / weight.sum()).squeeze(0))
    for module, mode in modes.items():
        module.training = mode
    return torch.stack(rows).double().cpu().numpy()


def _features(model: nn.Module, image: Tensor) -> Tensor:
    features = as_output(model(normalize_images(image[None]))).features
    if features is None:
        raise ValueError(
            "the model returns logits alone; selection='herding' needs a SegmentationOutput with "
            "features"
        )
    return features
