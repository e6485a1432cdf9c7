import pickle
from typing import Any

import numpy as np
import pytest

from avalanche_seg.datasets import content_of
from avalanche_seg.datasets.pairs import Pairs

IMAGE = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
LABELS = np.array([[0, 1], [2, 255]])
COLUMNS = ("image", "label")


class Counting:
    """Counts what is read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        self.read.append(index)
        return IMAGE + index, LABELS


def test_items_are_read_when_they_are_needed_and_once_for_both_parts() -> None:
    samples = Counting()
    pairs = Pairs(samples, "train", columns=COLUMNS)
    images, labels = pairs.items("image"), pairs.items("labels")
    samples.read.clear()
    assert len(images) == len(labels) == 3 and samples.read == []
    np.testing.assert_array_equal(images[2].pixels(), IMAGE + 2)
    assert labels[2].pixels().tolist() == LABELS.tolist() and samples.read == [2]
    assert (images[2].name, images[2].stem, str(labels[2])) == (
        "train[2]",
        "train_000002",
        "train[2] (labels)",
    )
    assert images[2].state() is None
    assert content_of(images[0], "image") != content_of(images[1], "image")
    assert pickle.loads(pickle.dumps(labels[1])).pixels().tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (iter([(IMAGE, LABELS)]), "which has no length; .*make a list"),
        ([], "got no sample"),
        ([IMAGE], r"train\[0\] is a ndarray; expected \(image, label map\)"),
        ([(IMAGE,)], "is a tuple; expected"),
        ([{"photo": IMAGE, "label": LABELS}], r"no column 'image'; expected one of photo, label"),
        ([(IMAGE, LABELS / 2)], r"train\[0\] \(labels\): got a label map of float64"),
        ([("a.jpg", LABELS)], r"train\[0\] \(image\): got an image of type str"),
    ],
)
def test_other_samples(samples: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Pairs(samples, "train", columns=COLUMNS)


def test_random_samples_are_refused() -> None:
    class Random(Counting):
        def __getitem__(self, index: int) -> Any:
            self.read.append(index)
            return IMAGE + len(self.read), LABELS

    with pytest.raises(ValueError, match=r"train\[0\] differs .* train_transform"):
        Pairs(Random(), "train", columns=COLUMNS)


def test_a_sample_that_fails_is_named() -> None:
    pairs = Pairs([(IMAGE, LABELS)] * 2, "train", columns=COLUMNS)
    pairs.samples.pop()  # Shorter than it was.
    with pytest.raises(ValueError, match=r"train\[1\] cannot be read \(IndexError: list index"):
        pairs.items("image")[1].pixels()
