"""A memory of a fixed number of images, whatever the number of classes: SSUL-M's and DKD-M's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from avalanche.benchmarks.utils import AvalancheDataset
from torch import Tensor, nn

from avalanche_seg.benchmarks import ExperienceData
from avalanche_seg.labels import BACKGROUND, VOID
from avalanche_seg.losses import confident_channels
from avalanche_seg.models import as_output, evaluating
from avalanche_seg.normalization import normalization_of
from avalanche_seg.plugins.distillation import default_forward
from avalanche_seg.plugins.replay.candidates import with_annotated_channels
from avalanche_seg.plugins.replay.selection import take_in_turns
from avalanche_seg.system import (
    broadcast,
    check_number,
    check_whole,
    get_random_state,
    set_random_state,
)

__all__ = ["ImageMemory", "MemoryLabels"]

MemoryLabels = Literal["visible", "stored", "new"]
"""What images of the memory show: every class seen so far, those of their step, or the new ones."""


class ImageMemory:
    """A fixed number of images over all classes, drawn anew after every step.

    Of SSUL-M (Cha et al., NeurIPS 2021, section 3.4). Candidates are the images of the memory and
    those of the step, each with the classes of its label; from step 1 on a step's label is
    completed by what its model is sure of. In a random order, the classes seen so far take turns:
    each takes the first image that is left and shows it, until the memory is full.

    Training that starts from a file draws the memory of all earlier steps by the model at hand.

    Args:
        size: images.
        labels: what the images show later: "visible": every class seen so far, the new ones
            included; "stored": the classes of the step that they were drawn from; "new": the new
            step's classes.
        threshold: least sigmoid of a pseudo-label, 0..1.
        group: the transforms under which labels are looked at, "eval" or "train".
        raw_labels: give every sample the extra "raw_labels", True; see
            :class:`~avalanche_seg.plugins.UnknownLabelPlugin`.
        seed: of the selection.

    Attributes:
        images: the memory: by image, the step it was drawn from and the classes that it shows.

    Raises:
        ValueError: for a size or seed that is no whole number, a threshold out of range, or unknown
            labels.
    """

    def __init__(
        self,
        size: int,
        *,
        labels: MemoryLabels = "visible",
        threshold: float = 0.7,
        group: Literal["eval", "train"] = "eval",
        raw_labels: bool = False,
        seed: int = 0,
    ) -> None:
        self.size = check_whole("memory_size", size, least=1)
        self.threshold = check_number("threshold", threshold, most=1)
        self.seed = check_whole("seed", seed)
        known = get_args(MemoryLabels)
        if labels not in known:
            raise ValueError(f"labels={labels!r} is unknown; expected one of {', '.join(known)}")
        self.labels = labels
        self.group = group
        self.raw_labels = raw_labels
        self.images: dict[int, tuple[int, frozenset[int]]] = {}
        self._data: dict[int, ExperienceData] = {}
        self._drawn: list[int] = []
        self._space: Any = None  # A LabelSpace once per step was seen.

    def __len__(self) -> int:
        return len(self.images)

    def post_adapt(self, agent_state: Any, exp: Any, *, data: ExperienceData | None = None) -> None:
        """Draw the memory anew after a step was learned; once per step."""
        step = exp.current_experience
        self._data[step] = exp.data if data is None else data
        self._space = exp.label_space
        if step in self._drawn:
            return
        self._drawn.append(step)
        candidates = dict(self.images)
        for image, classes in self._shown(agent_state, step).items():
            drawn_at, known = candidates.get(image, (step, frozenset()))
            candidates[image] = (drawn_at, known | classes)
        chosen = take_in_turns(
            {image: classes for image, (_, classes) in candidates.items()},
            [channel for channel in exp.classes_seen_so_far if channel != BACKGROUND],
            self.size,
            np.random.default_rng([self.seed, step]),
        )
        # Predictions may differ in their last bit between GPUs.
        self.images = broadcast({image: candidates[image] for image in chosen})

    @torch.no_grad()
    def _shown(self, agent: Any, step: int) -> dict[int, frozenset[int]]:
        """The classes of every image of a step: of its label, and what the model is sure of."""
        data = replace(self._data[step], group=self.group, constants={})
        normalize = normalization_of(agent.model).normalize
        before, found = get_random_state(), {}
        torch.manual_seed(self.seed)
        try:
            with evaluating(agent.model):
                for index, sample in zip(data.indices.tolist(), data.build(), strict=True):
                    labels = sample[1].long()
                    if step > 0:
                        like = next(agent.model.parameters())  # Device and type.
                        images = normalize(sample[0][None].to(agent.device)).to(like)
                        run = getattr(agent, "run_model", default_forward)
                        sure = sure_classes(
                            agent.model, run(agent.model, images), self.threshold, labels.shape
                        )
                        labels = torch.where(labels == BACKGROUND, sure[0].cpu(), labels)
                    found[index] = frozenset(labels.unique().tolist()) - {BACKGROUND, VOID}
        finally:
            set_random_state(before)
        return found

    def dataset(
        self, step: int, *, annotate: bool = False, beside: ExperienceData | None = None
    ) -> AvalancheDataset:
        """The memory as training samples of ``step``; images of its own data are given again."""
        whole = AvalancheDataset([])
        for drawn_at, data in self._data.items():
            images = [i for i, (of_step, _) in self.images.items() if of_step == drawn_at]
            if drawn_at >= step or not images:
                continue
            part = replace(
                data,
                indices=np.array(sorted(images), dtype=np.int64),
                label_map=self._label_map(data, step),
                constants={"raw_labels": torch.tensor(True)} if self.raw_labels else {},
            )
            part = with_annotated_channels(part, self._space) if annotate else part
            whole = whole.concat(part.build()) if len(whole) else part.build()
        return whole

    def _label_map(self, data: ExperienceData, step: int) -> Any:
        if self.labels == "stored":
            return data.label_map
        last = min(step, self._space.n_steps - 1)
        return data.label_map_of_steps([last] if self.labels == "new" else range(last + 1))

    def state_dict(self) -> dict[str, Any]:
        """The memory in plain values; which images and steps are meant, the data set knows."""
        images = [[i, step, sorted(classes)] for i, (step, classes) in self.images.items()]
        return {"size": self.size, "drawn": list(self._drawn), "images": images}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave.

        Raises:
            ValueError: when it was a memory of another size.
        """
        if state["size"] != self.size:
            raise ValueError(
                f"the saved memory has {state['size']} images and this one {self.size}; expected "
                "the same"
            )
        self._drawn = list(state["drawn"])
        self.images = {i: (step, frozenset(shown)) for i, step, shown in state["images"]}


def sure_classes(model: nn.Module, output: Any, threshold: float, size: Sequence[int]) -> Tensor:
    """The classes that a model of sigmoids is sure of; background where it is not.

    Args:
        model: whose extra channels and background are known where it has some.
        output: the model's, on B images.
        threshold: least sigmoid.
        size: (H, W).

    Returns:
        int64, B x H x W.
    """
    n_extra = getattr(model, "n_extra", 0)
    # Without a background channel an extra one stands for nothing; else it is background too.
    no_background = n_extra if _lacks_background(model) else 0
    channels = as_output(output).logits[:, no_background:]
    found = confident_channels(channels, (size[0], size[1]), threshold=threshold)
    first = 1 if _lacks_background(model) else -n_extra
    return torch.where(found >= 0, found + first, BACKGROUND).clamp(min=BACKGROUND)


def _lacks_background(model: nn.Module) -> bool:
    return getattr(getattr(model, "head", None), "background", "shared") == "none"
