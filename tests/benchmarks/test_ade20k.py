import inspect
from pathlib import Path
from typing import Any

import pytest

from avalanche_seg.benchmarks import ADE20KIncremental, SegmentationScenario
from tests.insects import keep, labels_of
from tests.scene_kits import write_ade20k

MASKS = [[[0, 1, 150]], [[101, 101, 0]], [[3, 120, 255]]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_ade20k(tmp_path, {"training": MASKS, "validation": [[[0, 2, 140]]]})


def make(root: Path, **options: Any) -> SegmentationScenario:
    quiet = {"train_transform": keep, "eval_transform": keep, "progress": False}
    return ADE20KIncremental(root, **{"setting": "overlapped", **quiet, **options})


@pytest.mark.filterwarnings("ignore:.*has no pixel|.*have no pixel")
@pytest.mark.parametrize(
    ("options", "train", "test"),
    [
        ({}, 0, 255),
        ({"train_void": "ignore"}, 255, 255),
        ({"zero_is": "background"}, 0, 0),
        ({"zero_is": "background", "train_void": "ignore"}, 0, 0),
    ],
)
def test_where_zero_goes(root: Path, options: dict[str, Any], train: int, test: int) -> None:
    void = 255 if options.get("train_void") == "ignore" else 0
    scenario = make(root, **options)
    assert labels_of(scenario.train_stream) == [
        [[[train, 1, 0]], [[3, 0, void]]],
        [[[train, 0, 150]], [[101, 101, train]], [[0, 120, void]]],
    ]
    assert labels_of(scenario.test_stream) == [[[[test, 2, 255]]], [[[test, 2, 140]]]]
    assert scenario.class_names[:2] == ("background", "wall")


@pytest.mark.filterwarnings("ignore:.*has no pixel|.*have no pixel")
def test_the_partition_is_only_for_the_whole_data_set(root: Path) -> None:
    with pytest.raises(ValueError, match=r"'100-50' of ADE20K is made for 20210 training images"):
        make(root, setting="partitioned")
    mine = make(root, setting="partitioned", partition=[[0], [1, 2]])
    assert [len(e.dataset) for e in mine.train_stream] == [1, 2]
    order = tuple(range(150, 0, -1))
    drawn = make(root, setting="partitioned", class_order=order)
    assert sum(len(e.dataset) for e in drawn.train_stream) == 3


@pytest.mark.filterwarnings("ignore:.*has no pixel|.*have no pixel")
def test_default_task_and_given_ones(root: Path) -> None:
    assert inspect.signature(ADE20KIncremental).parameters["task"].default == "100-50"
    assert make(root).n_classes == 151
    assert [len(e.classes_in_this_experience) for e in make(root).train_stream] == [101, 50]
    task = [[1, 2, 3], [101, 120], [150]]
    assert [len(e.dataset) for e in make(root, task=task).train_stream] == [2, 2, 1]
