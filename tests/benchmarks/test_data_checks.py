"""Splits that train but measure, or learn, something other than what was meant."""

import re
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from avalanche_seg.benchmarks import FolderIncremental
from avalanche_seg.datasets import MaskStatistics, SegmentationFiles
from tests.devkits import write_devkit, write_list
from tests.insects import benchmark

NAMES = ("background", "ant", "bee", "cricket")
TRAIN = {"t0": [[0, 1]], "t1": [[2, 0]], "t2": [[3, 3]], "t3": [[1, 2]]}
VAL = {"v0": [[1, 2]], "v1": [[3, 0]], "v2": [[0, 0]]}

Masks = Mapping[str, Mapping[str, ArrayLike]]


def said(root: Path, task: str = "offline", **options: object) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        settings = {"setting": "overlapped", "progress": False, **options}
        FolderIncremental(root, task=task, **settings)
    return [str(warning.message) for warning in caught]


def made(root: Path, **splits: Mapping[str, ArrayLike]) -> Path:
    return write_devkit(root, {"train": TRAIN, "val": VAL, **splits}, NAMES)


def test_sound_splits_are_passed_in_silence(tmp_path: Path, devkit: SegmentationFiles) -> None:
    assert said(made(tmp_path)) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        benchmark(devkit)


def lists(root: Path) -> Path:
    return root / "ImageSets" / "Segmentation"


@pytest.mark.parametrize("names", [["v1"], ["v2", "v0"]])
def test_images_on_both_lists(tmp_path: Path, names: list[str]) -> None:
    root = made(tmp_path / "kit")
    write_list(lists(root) / "train.txt", [*TRAIN, *names])
    (message,) = said(root)
    first = sorted(names)[0]
    assert message.startswith(
        f"{len(names)} of the 3 images of {root}/val are in train as well, such as "
        f"{root}/JPEGImages/{first}.jpg; "
    )
    assert "take them off one of the lists" in message


def test_images_under_two_names(tmp_path: Path) -> None:
    root = made(tmp_path / "kit")
    images = root / "JPEGImages"
    shutil.copy(images / "t2.jpg", images / "v1.jpg")
    (message,) = said(root)
    assert message.startswith(f"1 of the 3 images of {root}/val are in train as well")
    assert f"such as {images}/v1.jpg, which is {images}/t2.jpg;" in message


def test_classes_without_a_training_pixel(tmp_path: Path) -> None:
    (message,) = said(made(tmp_path / "a", train={"t0": [[0, 1]], "t1": [[2, 0]]}))
    assert message.startswith("1 of 3 classes has no pixel in the training images of its step")
    assert "cannot be learned: cricket (step 0); in val only: cricket; " in message
    (message,) = said(made(tmp_path / "b", train={"t0": [[2, 0]]}, val={"v": [[1, 2]]}))
    assert "2 of 3 classes have no pixel in the training images of their step" in message
    assert "cannot be learned: ant (step 0), cricket (step 0); in val only: ant; " in message


def test_classes_that_the_setting_leaves_without_an_image(tmp_path: Path) -> None:
    """Bee is there, beside ant alone, which is learned later: disjoint leaves its images out."""
    root = made(tmp_path, train={"t0": [[3, 3]], "t1": [[1, 2]]})
    (message,) = said(root, [[3, 2], [1]], setting="disjoint")  # type: ignore[arg-type]
    assert "bee (step 0); in val only: bee" in message


def test_many_names_are_cut(tmp_path: Path) -> None:
    names = ["background", *(f"class {i}" for i in range(1, 31))]
    root = write_devkit(tmp_path, {"train": {"t": [[0, 1]]}, "val": {"v": [[0, 1]]}}, names)
    messages = said(root)
    (message,) = [one for one in messages if "classes" in one]
    assert message.startswith("29 of 30 classes")
    assert "class 11 (step 0) and 19 more" in message and "val" not in message


BINARY = {"a": [[0, 255], [255, 255]], "b": [[0, 0], [0, 255]]}


def test_masks_saved_as_black_and_white(tmp_path: Path) -> None:
    names = ("background", "lesion")
    root = write_devkit(tmp_path / "all", {"train": BINARY, "val": {"v": [[0, 255]]}}, names)
    with pytest.raises(ValueError, match=r"no training image.*only 0 and 255.*void.*mask // 255"):
        said(root)
    root = write_devkit(tmp_path / "val", {"train": {"t": [[0, 1]]}, "val": BINARY}, names)
    with pytest.raises(ValueError, match=r"val has no image.*only 0 and 255.*void.*mask // 255"):
        said(root)


def test_some_masks_saved_as_black_and_white(tmp_path: Path) -> None:
    root = made(tmp_path / "kit", train={**TRAIN, **BINARY})
    (message,) = said(root)
    assert re.match(
        rf"2 of the 6 masks of {root}/train hold only 0 and 255, such as {root}/.*/a\.png; 255 is "
        r"void, .*write the class's id instead",
        message,
    )
    one = made(tmp_path / "one", train={**TRAIN, "a": BINARY["a"]})
    assert said(one) == [], "a single one may well have nothing but void objects"


def test_statistics_are_public() -> None:
    counts = np.ones((1, 256), dtype=np.int64)
    digests, upright = np.zeros((1, 2), dtype=np.uint64), np.ones(1, dtype=np.uint8)
    assert MaskStatistics(counts, digests, upright).presence.all()
