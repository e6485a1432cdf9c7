import numpy as np
import pytest

from avalanche_seg.datasets import colorize, voc_palette


def test_every_label_gets_the_colour_of_its_dataset_id():
    palette = list(range(256)) * 3
    class_ids = [0, 7, 3]
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = colorize(labels, palette, class_ids)
    assert found.dtype == np.uint8 and found.shape == (16, 16, 3)
    for label, colour in zip(labels.ravel().tolist(), found.reshape(-1, 3).tolist(), strict=True):
        dataset_id = class_ids[label] if label < 3 else 255
        assert colour == palette[3 * dataset_id : 3 * dataset_id + 3]


def test_a_class_may_have_id_zero_without_being_channel_zero():
    found = colorize(np.array([[2, 0]], dtype=np.uint8), voc_palette(), (255, 4, 0))
    assert found.tolist() == [[[0, 0, 0], [224, 224, 192]]]


def test_more_than_255_classes():
    palette = voc_palette(301)
    assert palette[:768] == voc_palette() and len(palette) == 903
    labels = np.array([[0, 255, 299, 65535]], dtype=np.int32)
    found = colorize(labels, palette, (65535, *range(1, 300)))
    expected = [palette[3 * i : 3 * i + 3] for i in (300, 255, 299, 300)]
    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ("labels", "palette", "ids", "message"),
    [
        (np.zeros((1, 1)), voc_palette(), [0], "labels of float64; expected integers"),
        (np.zeros((1, 1), dtype=np.uint8), [0, 0, 0], [0], "palette of 3 integers; expected 768"),
        (np.zeros((1, 1), dtype=np.uint8), [0] * 770, [0], "palette of 770 integers"),
    ],
)
def test_bad_input(labels, palette, ids, message):
    with pytest.raises(ValueError, match=message):
        colorize(labels, palette, ids)
