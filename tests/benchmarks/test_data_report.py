"""A data set looked at before training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avalanche_seg.benchmarks import check_data
from avalanche_seg.datasets import from_dataset, read_ade20k, read_folder
from tests.devkits import write_devkit, write_image, write_mask
from tests.scene_kits import write_ade20k, write_cityscapes

NAMES = ("background", "ant", "bee")


def report_of(folder, masks, tests=None, **options):
    kit = write_devkit(folder / "kit", {"train": masks, "val": tests or masks}, NAMES)
    # Each image its own content, or all of them would be in both splits.
    for i, path in enumerate(sorted((kit / "JPEGImages").iterdir())):
        write_image(path, (1, 2), 5 * i)
    return check_data(read_folder(kit), progress=False, **options)


def messages(report, severity):
    return [finding.message for finding in report.findings if finding.severity == severity]


def test_a_sound_data_set_has_no_error_and_counts_of_every_task_and_setting(devkit):
    report = check_data(devkit, tasks=["2-2", "offline"], progress=False)
    assert report.is_trainable and messages(report, "error") == []
    assert [(one.task, one.setting) for one in report.steps][:2] == [
        ("2-2", "disjoint"),
        ("2-2", "overlapped"),
    ]
    assert len(report.steps) == 8


def test_a_step_without_images_is_an_error_of_a_task_that_was_asked_for(tmp_path):
    masks = {"a": [[0, 1]], "b": [[1, 1]], "c": [[1, 255]], "v": [[0, 0]]}
    asked = report_of(tmp_path, masks, {"t": [[0, 1]]}, tasks=["1-1"], settings=["disjoint"])
    assert not asked.is_trainable
    (error,) = messages(asked, "error")
    assert error.startswith("task 1-1 (disjoint): step 1 has no training image; expected 2 or more")
    unasked = check_data(asked.files, progress=False)
    assert unasked.is_trainable
    told = [message for message in messages(unasked, "note") if "step 1 has" in message]
    assert told[0].startswith("task 1-1 (disjoint, overlapped, sequential, partitioned): step 1")


def test_tests_without_a_class_of_step_0_are_an_error(tmp_path):
    masks = {name: [[1, 2]] for name in "abc"}
    report = report_of(tmp_path, masks, {"t": [[0, 2]]}, tasks=["1-1"], settings=["overlapped"])
    (error,) = messages(report, "error")
    assert "no test image shows a class of step 0" in error


def test_classes_that_cannot_be_learned_are_a_warning(tmp_path):
    masks = {name: [[0, 1]] for name in "abc"}
    report = report_of(tmp_path, masks, {"t": [[2, 1]]})
    assert report.is_trainable
    (warning,) = messages(report, "warning")
    assert "1 of 2 classes has no pixel in the training masks" in warning
    assert "bee; in val only: bee;" in warning


def test_masks_without_any_class_are_an_error_that_knows_black_and_white(tmp_path):
    report = report_of(tmp_path, {name: [[0, 255]] for name in "abcd"}, {"t": [[0, 1]]})
    assert "no mask shows a class; its masks hold only 0 and 255" in messages(report, "error")[0]


def test_images_in_both_splits_and_on_no_list_are_told(tmp_path):
    masks = {name: [[0, 1], [2, 2]] for name in "abc"}
    kit = write_devkit(tmp_path / "kit", {"train": masks, "val": {"v": [[1, 2], [0, 0]]}}, NAMES)
    write_image(kit / "JPEGImages" / "v.jpg", (2, 2), 8)  # As the first one.
    write_image(kit / "JPEGImages" / "unused.jpg", (2, 2), 77)
    report = check_data(read_folder(kit), tasks=[], progress=False)
    assert "1 of the 1 images" in messages(report, "warning")[0]
    assert "1 of the images in" in messages(report, "note")[-1]
    assert "such as unused.jpg" in messages(report, "note")[-1]


def test_bad_files_come_first_and_do_not_hide_each_other(tmp_path):
    masks = {name: [[0, 1], [2, 2]] for name in "abc"}
    kit = write_devkit(tmp_path / "kit", {"train": masks, "val": masks}, NAMES)
    write_mask(kit / "SegmentationClass" / "a.png", [[5, 5], [0, 0]])
    (kit / "JPEGImages" / "b.jpg").write_bytes(b"")
    report = check_data(read_folder(kit), progress=False)
    assert [finding.severity for finding in report.findings][:4] == ["error"] * 4
    assert any("value 5" in message for message in messages(report, "error"))
    assert sum("b.jpg" in message for message in messages(report, "error")) == 2  # Both splits.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tasks": ["3-9-9"]}, "adds up to"),
        ({"settings": ["apart"]}, "setting='apart' is unknown"),
        ({"class_order": "z"}, "names no class order"),
    ],
)
def test_unknown_options_are_refused_before_any_file_is_read(devkit, options, words):
    gone = replace(devkit.train, images=(Path("gone.jpg"),) * len(devkit.train))
    with pytest.raises(ValueError, match=words):
        check_data(replace(devkit, train=gone), progress=False, **options)


def test_partitions_of_another_list_of_images_are_told_of(tmp_path):
    masks = [[[1, 101, 2, 150]]] * 3
    files = read_ade20k(write_ade20k(tmp_path, {"training": masks, "validation": masks[:1]}))
    report = check_data(files, progress=False)
    impossible = [note for note in messages(report, "note") if "MiB's partition" in note]
    assert len(impossible) == 3 and "task='100-50', setting='partitioned'" in impossible[0]
    assert {one.setting for one in report.steps if one.task == "100-50"} == {
        *("disjoint", "overlapped", "sequential")
    }
    asked = check_data(files, tasks=["100-50"], settings=["partitioned"], progress=False)
    assert "made for 20210" in messages(asked, "error")[0]


def test_images_of_every_domain_are_counted(tmp_path):
    kit = write_cityscapes(
        tmp_path, {"train": {"aachen": [[[7]]] * 2, "ulm": [[[8]]]}, "val": {"munster": [[[7]]]}}
    )
    report = check_data("cityscapes_domains", kit, progress=False)
    (note,) = (one for one in messages(report, "note") if one.startswith("steps are domains"))
    assert "aachen 2, bremen 0," in note and note.endswith("munster 1")
    assert report.steps == ()


def test_more_than_255_classes_and_samples_that_are_no_files():
    names = tuple(f"class {i}" for i in range(300))
    rng = np.random.default_rng(0)
    samples = [
        (rng.integers(0, 256, (4, 5, 3), dtype=np.uint8), labels)
        for labels in (np.full((4, 5), 299), np.arange(20).reshape(4, 5), np.full((4, 5), 65535))
    ]
    files = from_dataset(samples, samples[:1], names)
    report = check_data(files, tasks=[[[299], [3]]], settings=["overlapped"], progress=False)
    assert report.steps[0].train == (1, 1)
    assert report.train.statistics.counts[2, -1] == 20  # Void.
    assert report.train.kinds == {"no file": 3}
    assert [m for m in messages(report, "error") if "class" in m] == [
        "task [[299], [3]] (overlapped): step 0 has one training image, and 1 more steps have too "
        "few; expected 2 or more in every step, for batch norm: choose another setting, task or "
        "class order"
    ]
    few = check_data(from_dataset(samples, samples[:1], names[:100]), tasks=[], progress=False)
    assert "the value 299 is no class" in messages(few, "error")[0]
