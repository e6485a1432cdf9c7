"""Exemplars among the step's images."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch
from avalanche.benchmarks.utils import AvalancheDataset
from torch.utils.data import Sampler

from avalanche_seg.benchmarks import ExperienceData
from avalanche_seg.loading import seeded_loader
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.replay.buffer import ClassExemplarsBuffer
from avalanche_seg.plugins.replay.candidates import class_candidates, with_annotated_channels
from avalanche_seg.plugins.replay.class_features import head_map
from avalanche_seg.system import check_flags, check_number, shown

__all__ = ["ExemplarMemory", "FixedShareSampler", "ReplayPlugin", "SMiBPlugin"]


_LOADER_OPTIONS = (
    *("num_workers", "collate_fn", "pin_memory", "worker_init_fn", "persistent_workers"),
    *("prefetch_factor", "timeout", "multiprocessing_context"),
)


class FixedShareSampler(Sampler[list[int]]):
    """Batches with a fixed number of exemplars each.

    An epoch is one pass over the new images, in a random order; the short last batch is dropped
    unless it is the only one. Exemplars are drawn from random passes over the memory, one after the
    other.

    Args:
        n_new: new images, the indices 0..n_new-1.
        n_memory: exemplars, the indices that follow.
        batch_size: images per batch.
        share: of a batch that comes from the memory; at least one image, and one is left for new
            images.
        replace: exemplars take the places of new images, which the epoch then leaves out: it has as
            many batches as without a memory (SSUL-M).
    """

    def __init__(
        self, n_new: int, n_memory: int, batch_size: int, share: float, *, replace: bool = False
    ) -> None:
        self.n_new, self.n_memory = n_new, n_memory
        self.from_memory = min(max(1, round(share * batch_size)), batch_size - 1)
        self.from_new = min(batch_size - self.from_memory, n_new)
        self.stride = min(batch_size, n_new) if replace else self.from_new

    def __len__(self) -> int:
        return self.n_new // self.stride

    def __iter__(self) -> Iterator[list[int]]:
        # One draw an epoch from the global generator, however far workers load ahead.
        generator = torch.Generator().manual_seed(int(torch.randint(2**63 - 1, ())))
        new = torch.randperm(self.n_new, generator=generator).tolist()
        memory: list[int] = []
        for batch in range(len(self)):
            while len(memory) < self.from_memory:
                order = torch.randperm(self.n_memory, generator=generator)
                memory += (self.n_new + order).tolist()
            start = batch * self.stride  # As the order is random, the places need not be.
            yield new[start : start + self.from_new] + memory[: self.from_memory]
            memory = memory[self.from_memory :]


class ExemplarMemory(Protocol):
    """What :class:`ReplayPlugin` asks of a memory, such as :class:`ClassExemplarsBuffer`."""

    def post_adapt(self, agent_state: Any, exp: Any, *, data: ExperienceData | None = None) -> None:
        """Choose exemplars of a step that was just learned; once per step.

        It is also asked for earlier steps when training goes on from a file.

        Args:
            agent_state: the strategy.
            exp: the step.
            data: what the step was trained on, when it is not ``exp.data``.
        """

    def dataset(
        self, step: int, *, annotate: bool = False, beside: ExperienceData | None = None
    ) -> AvalancheDataset:
        """The exemplars as training samples of ``step``.

        Args:
            step: the step that is about to be trained.
            annotate: whether samples bring the extra "annotated".
            beside: the step's own data, whose images need not be given once more.
        """

    def state_dict(self) -> dict[str, Any]:
        """Plain values to go on from."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""


class ReplayPlugin(SegmentationPlugin):
    """Joins the exemplars of earlier classes with the images of the step, in any strategy.

    Replay of a small memory, as iCaRL introduced it (Rebuffi et al., CVPR 2017).

    Args:
        memory: chooses and gives the exemplars.
        share: None: the union of the step's images and the exemplars, shuffled, without
            oversampling. A number in (0, 1): this share of every batch is exemplars.
        replace: with a share, exemplars take the places of new images; see
            :class:`FixedShareSampler`.
        strict: the step's images show the classes of the step alone, whatever the benchmark shows,
            and are stored so; every sample has the extra "annotated": the channels it annotates.

    Raises:
        ValueError: for a share out of range; before a step's training when one of its classes has
            no image, or the memory herds and the model has no feature map "head".
    """

    def __init__(
        self,
        memory: ExemplarMemory,
        *,
        share: float | None = None,
        replace: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__()
        if share is not None:
            check_number("share", share, above=0, below=1)
        check_flags(strict=strict, replace=replace)
        if isinstance(memory, type) or not hasattr(memory, "post_adapt"):
            raise ValueError(
                f"memory={shown(memory)}; expected a memory such as ClassExemplarsBuffer(5)"
            )
        self.memory = memory
        self.share = share
        self.replace = replace
        self.strict = strict
        self._n_new = 0

    def training_data(self, experience: Any) -> ExperienceData:
        """What a step's own images are trained on."""
        data: ExperienceData = experience.data
        if not self.strict:
            return data
        own = replace(data, label_map=data.label_map_of_steps([experience.current_experience]))
        return with_annotated_channels(own, experience.label_space)

    def after_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Add the exemplars to the data set that is trained on."""
        experience = strategy.experience
        class_candidates(experience)  # Every class must have an image: raise now.
        own = self.training_data(experience)
        if own is not experience.data:
            strategy.adapted_dataset = own.build().train()
        self._n_new = len(strategy.adapted_dataset)
        self._catch_up(strategy)
        memory = self.memory.dataset(
            experience.current_experience, annotate=self.strict, beside=own
        )
        if len(memory) > 0:
            strategy.adapted_dataset = strategy.adapted_dataset.concat(memory.train())

    def _catch_up(self, strategy: Any) -> None:
        """Let the memory know every earlier step, also when training goes on from a file."""
        stream = strategy.experience.origin_stream
        for step in range(strategy.experience.current_experience):
            earlier = stream[step]
            self.memory.post_adapt(strategy, earlier, data=self.training_data(earlier))

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """For a fixed share, give the loader batches of that share."""
        n_memory = len(strategy.adapted_dataset) - self._n_new
        if self.share is None or n_memory == 0:
            return
        loader = strategy.dataloader
        strategy.dataloader = seeded_loader(
            strategy.adapted_dataset,
            FixedShareSampler(
                self._n_new, n_memory, strategy.train_mb_size, self.share, replace=self.replace
            ),
            **{name: getattr(loader, name) for name in _LOADER_OPTIONS},
        )

    def after_forward(self, strategy: Any, **kwargs: Any) -> None:
        """Before anything is trained, look for the feature map that herding asks for later."""
        herds = getattr(self.memory, "selection", None) == "herding"
        if herds and strategy.clock.train_exp_iterations == 0:
            head_map(strategy.mb_output)

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Draw exemplars for the step's classes."""
        experience = strategy.experience
        self.memory.post_adapt(strategy, experience, data=self.training_data(experience))

    def state_dict(self) -> dict[str, Any]:
        """The memory."""
        return self.memory.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.memory.load_state_dict(state)


class SMiBPlugin(ReplayPlugin):
    """SMiB's replay, of the report "Incremental Learning in Semantic Segmentation using Exemplars".

    The published configuration of :class:`ReplayPlugin`: the union of the step's images and a fixed
    number of random exemplars per class, which show every class seen so far.

    Args:
        memory: default :class:`ClassExemplarsBuffer` with 5 exemplars per class.
        share: as in :class:`ReplayPlugin`.
        strict: as in :class:`ReplayPlugin`; exemplars must keep the labels of their step.

    Raises:
        ValueError: for a share out of range, or when strict and the memory shows other labels.
    """

    def __init__(
        self,
        memory: ExemplarMemory | None = None,
        *,
        share: float | None = None,
        strict: bool = False,
    ) -> None:
        if memory is None:
            memory = ClassExemplarsBuffer(label_mode="stored" if strict else "visible")
        if strict and getattr(memory, "label_mode", "stored") != "stored":
            raise ValueError(
                "strict=True contradicts a memory with label_mode='visible'; make it with "
                "label_mode='stored'"
            )
        super().__init__(memory, share=share, strict=strict)
