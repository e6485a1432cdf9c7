from typing import Any

import numpy as np
import pytest

from avalanche_seg.datasets.value_counts import ValueCounts


def dense(counts: ValueCounts, n_values: int) -> np.ndarray:
    table = np.zeros((len(counts.starts) - 1, n_values), dtype=np.int64)
    for mask, row in enumerate(table):
        entries = slice(*counts.starts[mask : mask + 2])
        assert (np.diff(counts.values[entries].astype(int)) > 0).all()
        row[counts.values[entries]] = counts.pixels[entries]
    return table


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 8), (3, 11), (40, 64)])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0], np.uint8),
        ([0, 255], np.uint8),
        (range(256), np.uint8),
        ([9, 9, 9, 9, 9, 9, 9, 1], np.uint8),
        ([0, 7, 256, 65535], np.uint16),
        (range(60000), np.uint16),
    ],
)
def test_every_mask_alone(shape: tuple[int, int], values: Any, dtype: Any) -> None:
    generator = np.random.default_rng(0)
    mask = generator.choice(np.array(values, dtype=dtype), shape)
    masks = [mask, np.sort(mask, axis=None).reshape(shape), np.pad(mask, 3)[3:-3, 3:-3], mask.T]
    counts = ValueCounts.of(*masks)
    assert (counts.values.dtype, counts.pixels.dtype) == (np.uint16, np.int64)
    expected = [np.bincount(one.ravel(), minlength=65536) for one in masks]
    np.testing.assert_array_equal(dense(counts, 65536), expected)
    joined = ValueCounts.joined(
        [ValueCounts.of(), ValueCounts.of(*masks[:3]), ValueCounts.of(masks[3])]
    )
    for found, whole in zip(joined, counts, strict=True):
        np.testing.assert_array_equal(found, whole)
    assert counts.mask_of_entry().tolist() == joined.mask_of_entry().tolist()


def test_masks_of_both_depths() -> None:
    deep, plain = np.array([[300, 1]], dtype=np.uint16), np.array([[1, 1]], dtype=np.uint8)
    counts = ValueCounts.of(deep, plain)
    assert counts.values.tolist() == [1, 300, 1] and counts.starts.tolist() == [0, 2, 3]


def test_no_mask() -> None:
    assert dense(ValueCounts.of(), 9).shape == (0, 9)
