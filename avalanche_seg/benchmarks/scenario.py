"""Streams and lazy experiences over a data set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from avalanche.benchmarks import CLScenario, DatasetExperience
from avalanche.benchmarks.scenarios.generic_scenario import SequenceCLStream
from avalanche.benchmarks.utils import AvalancheDataset, DataAttribute
from avalanche.benchmarks.utils.transform_groups import TransformGroups
from numpy.typing import NDArray
from torch import Tensor

from avalanche_seg.benchmarks.dataset import SegmentationDataset
from avalanche_seg.benchmarks.step_dataset import StepDataset
from avalanche_seg.benchmarks.transforms import JointTransform
from avalanche_seg.datasets import ImageCache, Split, voc_palette
from avalanche_seg.labels import VOID, WIDE_VOID, LabelSpace, table_length
from avalanche_seg.system import shown

__all__ = [
    "ExperienceData",
    "SegmentationExperience",
    "SegmentationScenario",
    "SegmentationStream",
    "transform_groups",
]


@dataclass(frozen=True, eq=False)
class ExperienceData:
    """Everything an experience's data set is made of; builds it on demand.

    Attributes:
        split: the split.
        indices: which samples belong to the experience, ascending.
        label_map: dataset id -> channel, its last entry that of void; see
            :mod:`avalanche_seg.benchmarks.label_maps`.
        counts: int64, N x entries of ``label_map``; pixels of every dataset id, and of void, in
            every mask of the whole split.
        digests: uint64, N x (2 + number of extras), of the contents of every image, mask and extra
            of the whole split; see
            :mod:`avalanche_seg.datasets.contents`.
        groups: the transforms.
        group: the one that a plain loop gets, "train" or "eval"; strategies choose for themselves.
        label_map_of_steps: makes the training label map that shows the classes of the given steps.
        constants: extras that are the same in every sample, by name, such as "annotated" (bool, one
            entry per channel: what the label map shows). Samples end with the extras.
        cache: the decoded pixels of the whole split; None reads the files.
        per_image: further extras by name, N rows each: row i is that of image i of the whole split,
            such as "domain".
    """

    split: Split
    indices: NDArray[np.int64]
    label_map: NDArray[Any]
    counts: NDArray[np.int64]
    digests: NDArray[np.uint64]
    groups: TransformGroups
    group: str
    label_map_of_steps: Callable[[Iterable[int]], NDArray[Any]]
    constants: Mapping[str, Tensor] = field(default_factory=dict)
    cache: ImageCache | None = None
    per_image: Mapping[str, Tensor] = field(default_factory=dict)

    def class_sets(self) -> list[frozenset[int]]:
        """The channels each image shows after the label map, void left out."""
        void = VOID if self.label_map.dtype == np.uint8 else WIDE_VOID
        return [
            frozenset(self.label_map[np.flatnonzero(row)].tolist()) - {void}
            for row in self.counts[self.indices]
        ]

    def build(self, kind: type[AvalancheDataset] = AvalancheDataset) -> AvalancheDataset:
        """The Avalanche data set, with each image's classes as the attribute ``class_sets``.

        Args:
            kind: class of the data set.
        """
        dataset = SegmentationDataset(
            self.split,
            self.indices.tolist(),
            self.label_map,
            constants=self.constants,
            cache=self.cache,
            per_image=self.per_image,
        )
        attribute = DataAttribute(self.class_sets(), "class_sets", use_in_getitem=False)
        # Avalanche starts every data set in the train group, whatever the groups say.
        return kind(
            [dataset], data_attributes=[attribute], transform_groups=self.groups
        ).with_transforms(self.group)


class SegmentationExperience(DatasetExperience):
    """One step of a class-incremental segmentation stream.

    Attributes:
        classes_in_this_experience: channels annotated at this step; step 0 includes the background.
            All of them where a step brings other images and no class.
        previous_classes: channels of the earlier steps.
        classes_seen_so_far: both of the above.
        future_classes: channels of the later steps.
        base_classes: channels of step 0, the "old" classes of the published tables.
        label_space: the mapping between dataset ids and channels.
        domains: by step, the names of the domains that its images are of: those of its own step,
            in tests those of all steps so far; empty where steps differ in classes.
        data: what the data set is made of.
        dataset: samples (image, labels), or (image, labels, extras), built when first asked for.
        test: the test experience after this step, cumulative.
    """

    def __init__(self, step: int, space: LabelSpace, data: ExperienceData) -> None:
        super().__init__(dataset=None, current_experience=step)
        seen, new = space.n_channels_after(step), space.channels_of_step(step)
        self.data = data
        self.label_space = space
        self.classes_in_this_experience = list(new or range(seen))
        self.previous_classes = list(range(seen - len(new)))
        self.classes_seen_so_far = list(range(seen))
        self.future_classes = list(range(seen, space.n_channels))
        self.base_classes = list(space.channels_of_step(0))
        self.domains: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def _built(self) -> AvalancheDataset:
        # Where all steps have the same labels their data sets may be joined.
        same_labels = self.label_space.is_domain_incremental
        return self.data.build(AvalancheDataset if same_labels else StepDataset)

    @property
    def dataset(self) -> AvalancheDataset:
        """The samples of this step."""
        return self._built

    @property
    def test(self) -> "SegmentationExperience":
        """The test experience after this step: the test images of every class seen so far.

        Each call makes a new one, as the stream does; its data set is built when asked for. As the
        number of the step, Avalanche hides it from experiences in train or eval mode.
        """
        step: int = self.current_experience
        experience: SegmentationExperience = self.origin_stream.benchmark.test_stream[step]
        return experience


class SegmentationStream(SequenceCLStream[SegmentationExperience]):
    """A sized, sliceable stream that makes its experiences when they are asked for."""

    def __init__(
        self, name: str, space: LabelSpace, data_of_step: Callable[[int], ExperienceData]
    ) -> None:
        self.space = space
        self.data_of_step = data_of_step
        # The base class would write a negative index into the experience as it stands.
        super().__init__(name, benchmark=None, set_stream_info=False)

    def _full_length(self) -> int:
        return self.space.n_steps

    def _make_experience(self, experience_idx: int) -> SegmentationExperience:
        n_steps = self.space.n_steps
        if not -n_steps <= experience_idx < n_steps:
            raise IndexError(f"step {experience_idx} is out of range; the stream has {n_steps}")
        step = experience_idx % n_steps
        experience = SegmentationExperience(step, self.space, self.data_of_step(step))
        experience.origin_stream = self
        by_step: tuple[tuple[str, ...], ...] = getattr(self.benchmark, "domains", ())
        experience.domains = by_step[0 if self.name == "test" else step : step + 1]
        return experience


class SegmentationScenario(CLScenario[SegmentationStream]):
    """A class-incremental segmentation benchmark.

    Attributes:
        train_stream, test_stream: one experience per step; ``test_stream[t]`` is the test set after
            step t, cumulative. ``valid_stream`` is there when a share was held out.
        n_classes: number of channels after the last step, background included.
        class_names: class name of every channel.
        class_order, class_ids: dataset id of every channel; void for the background where the masks
            have no value for it.
        palette: integers in 0..255, red, green and blue of every dataset id and, last, of void;
            768 of them for up to 255 ids.
        label_space: the whole mapping between dataset ids and channels.
        value_range: the values of image files that became 0 and 255; None for all of their bits.
        domains: names of the domains of every step; empty where steps differ in classes.

    Args:
        streams: the streams; "train" and "test" are among them.
        space: the mapping between dataset ids and channels.
        palette: as the attribute; None for VOC's.
        value_range: as the attribute.
        domains: as the attribute.
    """

    train_stream: SegmentationStream
    test_stream: SegmentationStream
    valid_stream: SegmentationStream

    def __init__(
        self,
        streams: list[SegmentationStream],
        space: LabelSpace,
        palette: Sequence[int] | None = None,
        *,
        value_range: tuple[float, float] | None = None,
        domains: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        super().__init__(streams)
        self.value_range = value_range
        for stream in streams:
            stream.benchmark = self
        self.label_space = space
        self.domains = domains
        self.n_classes = space.n_channels
        self.class_names = space.channel_names
        self.class_order = self.class_ids = space.class_order
        n_colours = table_length(len(space.names))
        self.palette = list(voc_palette(n_colours) if palette is None else palette)


def transform_groups(train: Callable[..., Any], evaluate: Callable[..., Any]) -> TransformGroups:
    """Avalanche's two transform groups from two transforms of (image, labels).

    Raises:
        ValueError: for what is no function.
    """
    for name, transform in (("train_transform", train), ("eval_transform", evaluate)):
        if not callable(transform) or isinstance(transform, type):
            raise ValueError(
                f"{name}={shown(transform)}; expected a function of (image, labels), such as "
                "train_preset() or eval_preset()"
            )
    return TransformGroups({"train": JointTransform(train), "eval": JointTransform(evaluate)})
