"""Groups of runs, and sections of them."""

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


def test_what_a_run_needed_is_that_of_the_group(section):
    ours, _ = section.groups
    assert (ours.minutes, ours.peak_memory, ours.n_seeds) == (1.5, "1.5 GiB RAM", 2)
    for run in ours.runs:
        del run.results["seconds"], run.results["peak_memory"]
    assert (ours.minutes, ours.peak_memory) == (None, "-")


def test_values_by_seed_are_means_over_its_runs(section):
    ours, _ = section.groups
    assert ours.by_seed("mIoU_new") == pytest.approx({0: 20.0, 1: 40.0})
    assert ours.by_seed("nothing") == {}


def test_a_group_that_stopped_early_says_so(tmp_path):
    whole = [{"background": 0.9}, {"background": 0.9, "cat": 0.5}]
    folders = [
        write_run(tmp_path / "FT", whole),
        write_run(tmp_path / "MiB", whole[:1], method="MiB"),
        write_run(tmp_path / "JOINT", whole[1:], method="JOINT", n_base=1),
    ]
    (section,) = read_sections(folders)
    assert [section.name_of(group) for group in section.groups] == [
        "FT", "MiB, unfinished: after step 0 of 1", "JOINT",
    ]  # fmt: skip


def test_rows_of_one_method_say_what_differs(tmp_path):
    folders = [write_run(tmp_path / str(lr), [{"cat": 0.5}], lr=lr) for lr in (0.1, 0.01)]
    (section,) = read_sections(folders)
    assert [group.label for group in section.groups] == ["FT (lr 0.1)", "FT (lr 0.01)"]


def test_a_methods_own_options_tell_rows_apart_but_not_its_seed(tmp_path):
    folders = [
        write_run(
            tmp_path / f"{size}{seed}",
            [{"cat": 0.5}],
            seed=seed,
            method="SMiB",
            exemplars=size,
            method_options={"n_exemplars": size, "seed": seed},
        )
        for size in (5, 25)
        for seed in (0, 1)
    ]
    groups = read_sections(folders)[0].groups
    assert [group.label for group in groups] == ["SMiB (exemplars 5)", "SMiB (exemplars 25)"]
    assert [len(group.runs) for group in groups] == [2, 2]
