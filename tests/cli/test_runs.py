"""Finished runs and their groups."""

import statistics

import pytest

from avalanche_seg.cli.reading import read_sections
from tests.cli.runs import write_run


@pytest.fixture
def section(tmp_path):
    first = {"background": 0.9, "cat": 0.8}
    for seed in (0, 1):
        then = {"background": 0.7, "cat": None, "dog": 0.2 + 0.2 * seed}
        write_run(tmp_path / f"FT{seed}", [first, then], seed=seed)
    write_run(tmp_path / "JOINT", [first | {"dog": 0.5}], method="JOINT", n_base=2)
    return read_sections(sorted(tmp_path.iterdir()))[0]


def test_values_are_by_run_and_undefined_ones_are_left_out(section):
    ours, joint = section.groups
    assert ours.means("mIoU_new") == pytest.approx([20.0, 40.0])
    assert ours.values("mIoU_new") == pytest.approx([0.2, 0.4])
    assert ours.means("mIoU_new", 0) == ours.iou("cat", 1) == ours.iou("dog", 0) == []
    assert ours.iou("dog", 1) == pytest.approx([20.0, 40.0])
    assert ours.averages() == pytest.approx([50.0, 60.0])
    assert (ours.is_bound, joint.is_bound) == (False, True)


def test_classes_are_in_the_order_of_channels_with_the_step_that_brought_them(section):
    assert section.learned == {"background": 0, "cat": 0, "dog": 1}
    assert section.n_steps == 2


def test_values_that_are_no_means_of_the_protocol_are_extra(section):
    assert section.extra == []
    section.groups[1].runs[0].steps[0]["means"]["sharpness"] = 2.0
    assert section.extra == ["sharpness"]
    assert statistics.mean(section.groups[1].values("sharpness")) == 2.0
