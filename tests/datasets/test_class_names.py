import numpy as np
import pytest

from avalanche_seg.datasets import from_dataset
from avalanche_seg.datasets.class_names import named, numbered_names

IMAGE = np.zeros((1, 2, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("ids", "zero_is", "expected"),
    [
        ([0, 1, 255, 65535], "background", ("background", "class 1")),
        ([2], "unlabelled", ("unlabelled", "class 1", "class 2")),
        ([0], "class", ("class 0",)),
    ],
)
def test_numbers(ids, zero_is, expected):
    assert numbered_names(ids, zero_is) == expected


def test_255_is_a_class_where_there_are_more():
    assert numbered_names([0, 255, 256], "class")[-1] == "class 256"


def test_of_the_masks_or_of_the_label_map(tmp_path, monkeypatch):
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path))
    pair = (IMAGE, np.array([[3, 255]]))
    files = from_dataset([pair], [pair], ["a", "b", "c", "d"])
    splits = files.train, files.test
    assert len(named(splits, "class", None, (), progress=False)) == 4
    assert len(named(splits, "class", {3: 1}, (), progress=False)) == 2
    assert len(named(splits, "class", None, (3,), progress=False)) == 1
