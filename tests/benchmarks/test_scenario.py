import itertools
from collections.abc import Callable

import pytest
from avalanche.benchmarks.scenarios.generic_scenario import MaskedAttributeError
from avalanche.benchmarks.utils import AvalancheDataset
from torch import Tensor

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.datasets import SegmentationFiles, voc_palette
from avalanche_seg.labels import LabelSpace
from tests.devkits import grey
from tests.insects import TEST_IMAGES, benchmark


@pytest.fixture
def scenario(devkit: SegmentationFiles) -> SegmentationScenario:
    return benchmark(devkit, val_fraction=0.4, seed=1)


def test_names(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, task="2-1", class_order=[3, 1, 4, 2])
    assert scenario.n_classes == 5
    assert scenario.class_order == (0, 3, 1, 4, 2)
    assert scenario.class_names == ("background", "cricket", "ant", "drone", "bee")
    assert scenario.label_space == LabelSpace(((3, 1), (4,), (2,)), devkit.class_names)


def test_streams(scenario: SegmentationScenario) -> None:
    assert set(scenario.streams) == {"train", "test", "valid"}
    for name, stream in scenario.streams.items():
        assert (stream.name, len(stream)) == (name, 3)
        assert stream is getattr(scenario, f"{name}_stream")
        assert stream.benchmark is scenario
        assert [experience.current_experience for experience in stream] == [0, 1, 2]
        assert all(experience.origin_stream is stream for experience in stream)


def test_no_valid_stream_by_default(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit)
    assert set(scenario.streams) == {"train", "test"}
    assert not hasattr(scenario, "valid_stream")


def test_class_timeline(scenario: SegmentationScenario) -> None:
    timeline = [([0, 1, 2], [], [3, 4]), ([3], [0, 1, 2], [4]), ([4], [0, 1, 2, 3], [])]
    for stream in scenario.streams.values():
        for experience, (new, old, future) in zip(stream, timeline, strict=True):
            assert experience.classes_in_this_experience == new
            assert experience.previous_classes == old
            assert experience.classes_seen_so_far == old + new
            assert experience.future_classes == future
            assert experience.base_classes == [0, 1, 2]


def test_timeline_is_there_in_training_and_evaluation(scenario: SegmentationScenario) -> None:
    experience = scenario.train_stream[1]
    for mode in (experience.train(), experience.eval(), experience.logging()):
        assert mode.classes_in_this_experience == [3]
        assert len(mode.dataset) == len(experience.dataset)


def test_no_task_labels(scenario: SegmentationScenario) -> None:
    assert not hasattr(scenario.train_stream[0], "task_labels")
    assert len(scenario.train_stream[0].dataset[0]) == 2


def test_indexing(scenario: SegmentationScenario) -> None:
    stream = scenario.train_stream
    assert [stream[i].current_experience for i in (-1, -2, -3)] == [2, 1, 0]
    assert stream[-1].classes_in_this_experience == [4]
    for index in (3, -4):
        with pytest.raises(IndexError):
            stream[index]


@pytest.mark.parametrize(
    ("part", "steps"),
    [
        (slice(1, None), [1, 2]),
        (slice(None, 2), [0, 1]),
        (slice(None, None, 2), [0, 2]),
        (slice(-1, None), [2]),
        (slice(None, None, -1), [2, 1, 0]),
        (slice(3, None), []),
    ],
)
def test_slices(scenario: SegmentationScenario, part: slice, steps: list[int]) -> None:
    sliced = scenario.test_stream[part]
    assert (len(sliced), sliced.name, sliced.benchmark) == (len(steps), "test", scenario)
    assert [experience.current_experience for experience in sliced] == steps
    assert len(scenario.test_stream) == 3
    if steps:
        assert sliced[-1].current_experience == steps[-1]
        assert sliced[:1][0].current_experience == steps[0]


def test_data_sets_are_built_when_asked_for(
    scenario: SegmentationScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []
    build = AvalancheDataset.__init__

    def counted(self: AvalancheDataset, *args: object, **kwargs: object) -> None:
        built.append(1)
        build(self, *args, **kwargs)

    monkeypatch.setattr(AvalancheDataset, "__init__", counted)
    experiences = list(itertools.chain(*scenario.streams.values()))
    assert built == []
    assert experiences[0].dataset is experiences[0].dataset
    assert len(built) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 1], [0, 1, 2], [0, 2]]),
        ({"train_void": "ignore"}, [[0, 1], [0, 1, 2], [2]]),
    ],
)
def test_class_sets_of_training_images(
    devkit: SegmentationFiles, options: dict[str, str], expected: list[list[int]]
) -> None:
    dataset = benchmark(devkit, **options).train_stream[0].dataset
    assert [sorted(classes) for classes in dataset.class_sets] == expected
    assert all(isinstance(classes, frozenset) for classes in dataset.class_sets)
    later = benchmark(devkit, setting="overlapped", **options).train_stream[1].dataset
    assert [sorted(classes) for classes in later.class_sets] == [[0, 3]] * 4


def test_class_sets_of_test_images(devkit: SegmentationFiles) -> None:
    hidden, shown = (
        benchmark(devkit, test_unseen=mode).test_stream for mode in ("ignore", "background")
    )
    assert [set(c) for c in hidden[0].dataset.class_sets] == [{0, 1}, {0, 2}]
    assert [set(c) for c in shown[0].dataset.class_sets] == [{0, 1}, {0, 2}]
    assert [set(c) for c in hidden[2].dataset.class_sets] == [{0, 1}, {0, 3}, {0, 2, 4}, {0, 4}]


def test_class_sets_follow_a_subset(devkit: SegmentationFiles) -> None:
    dataset = benchmark(devkit).train_stream[0].dataset.subset([2, 1])
    assert [set(classes) for classes in dataset.class_sets] == [{0, 2}, {0, 1, 2}]


def _mark(number: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    return lambda image, labels: (image + number, labels.clamp(max=9) + 10 * number)


def test_transform_groups(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, train_transform=_mark(1), eval_transform=_mark(2))
    dataset = scenario.train_stream[0].dataset
    for view, number in ((dataset, 1), (dataset.train(), 1), (dataset.eval(), 2)):
        image, labels = view[0]
        assert image.unique().tolist() == [grey(0) + number]
        assert (labels - 10 * number).tolist() == [[0, 1, 1], [0, 1, 0]]
    labels = scenario.test_stream[0].dataset.eval()[0][1]
    assert (labels - 20).tolist() == [[0, 1, 9], [1, 0, 0]]


def test_a_plain_loop_gets_the_transforms_of_its_stream(tmp_path):
    from tests.tiny import tiny_benchmark

    benchmark = tiny_benchmark(
        tmp_path,
        val_fraction=0.2,
        train_transform=lambda image, labels: (image[:, :1], labels[:1]),
        eval_transform=lambda image, labels: (image[:, :2], labels[:2]),
    )
    heights = {
        stream.name: stream[0].dataset[0][0].shape[1] for stream in benchmark.streams.values()
    }
    assert heights == {"train": 1, "test": 2, "valid": 2}


def test_the_test_experience_of_every_step(scenario: SegmentationScenario) -> None:
    for name in scenario.streams:
        for step, experience in enumerate(scenario.streams[name]):
            test = experience.test
            assert (test.current_experience, test.origin_stream.name) == (step, "test")
            assert test.data.indices.tolist() == TEST_IMAGES[step]
            assert test.classes_seen_so_far == experience.classes_seen_so_far
    assert scenario.train_stream[1:][0].test.current_experience == 1
    with pytest.raises(MaskedAttributeError):
        _ = scenario.train_stream[1].train().test


def test_ids_and_palette(devkit: SegmentationFiles) -> None:
    scenario = benchmark(devkit, class_order=[3, 1, 4, 2])
    assert scenario.class_ids == scenario.class_order == (0, 3, 1, 4, 2)
    assert scenario.palette == voc_palette()
