"""The memory of SMiB: a few images that stand for each class."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.training.storage_policy import ExemplarsBuffer

from avalanche_seg.benchmarks import ExperienceData
from avalanche_seg.plugins.replay.candidates import (
    Exemplar,
    class_candidates,
    older_candidates,
    with_annotated_channels,
)
from avalanche_seg.plugins.replay.choices import Annotates, LabelMode, MemoryPolicy
from avalanche_seg.plugins.replay.class_features import class_features
from avalanche_seg.plugins.replay.selection import (
    Selection,
    assign,
    herding_order,
    largest_order,
    random_order,
)
from avalanche_seg.system import broadcast, check_whole

__all__ = ["ClassExemplarsBuffer"]


class ClassExemplarsBuffer(ExemplarsBuffer):
    """A fixed number of exemplars for every class learned so far.

    After a step, images are drawn from what the step could see. An image stands for one class,
    though it may show several. The buffer holds indices into the data set, never pixels. Where
    steps are domains, every step has all classes: "extend" adds exemplars of each from its images,
    and "redraw" keeps the number per class.

    Args:
        n_per_class: exemplars per class.
        selection: "random"; "largest": the images with the largest area of the class; "herding":
            iCaRL's order on the mean feature over the class's pixels.
        label_mode: what an exemplar shows later: "visible": every class seen so far (SMiB's paper);
            "stored": the labels of the step it was drawn from (strict).
        policy: what happens after a step: "extend": exemplars are drawn for its classes, those of
            earlier classes stay; "redraw": the exemplars of all classes are drawn anew, from the
            memory and the images of the step whose labels show the class.
        annotates: what the extra "annotated" of strict replay says of an exemplar: "own": the
            classes of its step, so that its background may be any other; "earlier": every class
            before the step in training, so that its background may be a new class alone, as
            MiB-AugM has it (Kwak et al., arXiv 2405.09858).
        seed: seed of the random selection.

    Attributes:
        exemplars: the memory, by channel.

    Raises:
        ValueError: for a negative number, an unknown selection, label mode or policy.
    """

    def __init__(
        self,
        n_per_class: int = 5,
        *,
        selection: Selection = "random",
        label_mode: LabelMode = "visible",
        policy: MemoryPolicy = "extend",
        annotates: Annotates = "own",
        seed: int = 0,
    ) -> None:
        super().__init__(n_per_class)
        check_whole("n_per_class", n_per_class, expected="zero or more exemplars, a whole number")
        check_whole("seed", seed)
        for name, value, known in (
            ("selection", selection, get_args(Selection)),
            ("label_mode", label_mode, get_args(LabelMode)),
            ("policy", policy, get_args(MemoryPolicy)),
            ("annotates", annotates, get_args(Annotates)),
        ):
            if value not in known:
                raise ValueError(f"{name}={value!r} is unknown; expected one of {', '.join(known)}")
        self.n_per_class = n_per_class
        self.selection = selection
        self.label_mode = label_mode
        self.policy = policy
        self.annotates = annotates
        self.seed = seed
        self.exemplars: dict[int, list[Exemplar]] = {}
        self._data: dict[int, ExperienceData] = {}
        self._drawn: list[int] = []
        self._space: Any = None  # A LabelSpace once per step was seen.

    def __len__(self) -> int:
        return sum(len(chosen) for chosen in self.exemplars.values())

    def post_adapt(self, agent_state: Any, exp: Any, *, data: ExperienceData | None = None) -> None:
        """Draw exemplars for the classes of a step that was just learned; once per step.

        Args:
            agent_state: the strategy; its model is asked for features when herding.
            exp: the step.
            data: what the step was trained on, when it is not ``exp.data``.
        """
        step = exp.current_experience
        self._data[step] = exp.data if data is None else data
        self._space = exp.label_space
        if step in self._drawn or self.n_per_class == 0:
            return
        self._drawn.append(step)
        candidates = class_candidates(exp)
        known = {e.image: e for chosen in self.exemplars.values() for e in chosen}
        taken = set(known)
        if self.policy == "redraw":
            candidates |= older_candidates(exp, self._data[step], self.exemplars)
            taken = set()
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
            # Those of an earlier step, where steps are domains.
            kept = self.exemplars.get(channel, []) if self.policy == "extend" else []
            self.exemplars[channel] = kept + [
                Exemplar(image, channel, self._step_of(known.get(image), channel, step))
                for image in images
            ]
        if self.selection == "herding":  # Features may differ in their last bit between GPUs.
            self.exemplars = broadcast(self.exemplars)

    def _step_of(self, known: Exemplar | None, channel: int, now: int) -> int:
        """The step whose labels an exemplar has; one that stood for another class may change."""
        shown = known is not None and channel in self._data[known.step].label_map
        return known.step if known is not None and shown else now

    def dataset(
        self, step: int, *, annotate: bool = False, beside: ExperienceData | None = None
    ) -> AvalancheDataset:
        """The memory as training samples of ``step``, with the labels of the label mode.

        Args:
            step: the step that is about to be trained; only exemplars of earlier steps are given.
            annotate: give every sample the extra "annotated": the channels that it annotates (bool,
                one per channel).
            beside: data that the memory is to be joined with; an exemplar that is in it already,
                with the same labels, is left out.
        """
        parts = []
        for drawn_at, data in self._data.items():
            chosen = [e for c in self.exemplars.values() for e in c if e.step == drawn_at]
            if drawn_at >= step or not chosen:
                continue
            label_map = data.label_map
            if self.label_mode == "visible":
                label_map = data.label_map_of_steps(range(min(step + 1, self._space.n_steps)))
            images = {e.image for e in chosen}
            if beside is not None and np.array_equal(beside.label_map, label_map):
                images -= set(beside.indices.tolist())
            if not images:
                continue
            part = replace(
                data,
                indices=np.array(sorted(images), dtype=np.int64),
                label_map=label_map,
                constants={},
            )
            if annotate:
                earlier = range(self._space.n_channels_after(step - 1))
                part = with_annotated_channels(
                    part, self._space, earlier if self.annotates == "earlier" else None
                )
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
        """Keep at most ``new_size`` exemplars per class, the best ones."""
        self.n_per_class = self.max_size = new_size
        self.exemplars = {channel: e[:new_size] for channel, e in self.exemplars.items()}

    def state_dict(self) -> dict[str, Any]:
        """The memory in plain values; which images and steps are meant, the data set knows."""
        return {
            "n_per_class": self.n_per_class,
            "drawn": list(self._drawn),
            "exemplars": [
                [e.image, e.channel, e.step] for chosen in self.exemplars.values() for e in chosen
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave.

        Raises:
            ValueError: when it was a memory of another size.
        """
        if state["n_per_class"] != self.n_per_class:
            raise ValueError(
                f"the saved memory has {state['n_per_class']} exemplars per class and this one "
                f"{self.n_per_class}; expected the same"
            )
        self._drawn = list(state["drawn"])
        self.exemplars = {}
        for values in state["exemplars"]:
            exemplar = Exemplar(*values)
            self.exemplars.setdefault(exemplar.channel, []).append(exemplar)

    def _order(self, agent: Any, exp: Any, channel: int, candidates: list[int]) -> list[int]:
        if self.selection == "random":
            return random_order(candidates, np.random.default_rng([self.seed, channel]))
        if self.selection == "largest":
            class_id = exp.label_space.class_order[channel]
            return largest_order(candidates, exp.data.counts[candidates, class_id].tolist())
        if not candidates:
            return []
        shown = exp.data.label_map_of_steps(range(exp.current_experience + 1))
        data = replace(exp.data, label_map=shown)
        return herding_order(candidates, class_features(agent, data, channel, candidates))
