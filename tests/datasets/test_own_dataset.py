from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avalanche_seg.datasets import from_dataset, mask_statistics

IMAGE = np.zeros((2, 3, 3), dtype=np.uint8)


def pair(*values: int) -> Any:
    return IMAGE, np.array([values[:3], values[3:]])


TRAIN = [pair(0, 1, 1, 2, 2, -1), pair(0, 0, 0, 0, 4, -1)]
TEST = [pair(0, 3, 3, 3, 3, 3)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_classes_are_numbered_where_they_have_no_names() -> None:
    files = from_dataset(TRAIN, TEST, void_ids=[-1])
    assert files.class_names == ("background", *(f"class {i}" for i in range(1, 5)))
    counts = mask_statistics(files.train, progress=False).counts
    assert counts[0, [0, 1, 2, 255]].tolist() == [1, 2, 2, 1]
    described = from_dataset(TRAIN, TEST, zero_is="class", void_ids=[-1])
    assert described.class_names[0] == "class 0" and described.n_foreground == 5


def test_a_label_map_with_negative_void() -> None:
    meant = {0: 0, 1: 1, 2: 1, 3: 2, 4: 255}
    files = from_dataset(TRAIN, TEST, label_map=meant, void_ids=[-1])
    assert files.class_names == ("background", "class 1", "class 2")
    counts = mask_statistics(files.train, progress=False).counts
    assert counts[:, [0, 1, 255]].tolist() == [[1, 4, 1], [4, 0, 2]]


def test_bad_labels_name_the_sample() -> None:
    files = from_dataset(TRAIN, TEST, ("background", "ant", "bee"), void_ids=[-1])
    with pytest.raises(ValueError, match=r"^train\[1\] \(labels\): value 4 is no class"):
        mask_statistics(files.train, progress=False)
    with pytest.raises(ValueError, match=r"labels -1\.\.2; expected .* void_ids"):
        from_dataset(TRAIN, TEST)
    bigger = [(np.zeros((4, 4, 3), dtype=np.uint8), np.zeros((2, 2), dtype=int))]
    files = from_dataset(bigger, TEST, ("background", "ant"))
    with pytest.raises(ValueError, match=r"train\[0\] \(labels\) is 2x2 .* train\[0\] 4x4"):
        mask_statistics(files.train, progress=False)


def test_only_a_fingerprint_makes_statistics_last(cache: Path) -> None:
    files = from_dataset(TRAIN, TEST, ["a", "b", "c", "d", "e"], void_ids=[-1])
    mask_statistics(files.train, progress=False)
    assert not list(cache.glob("*.npz"))
    for void in ([-1], [-1, -2]):
        told = from_dataset(TRAIN, TEST, ["a", "b", "c", "d", "e"], void_ids=void, fingerprint="1")
        mask_statistics(told.train, progress=False)
    assert len(list(cache.glob("*.npz"))) == 2
