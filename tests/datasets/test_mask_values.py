import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.datasets.value_counts import ValueCounts

MAP = {7: 0, 8: 1, 9: 255, 200: 2}


def counted(*values: int) -> ValueCounts:
    return ValueCounts.of(np.array(values, dtype=np.uint16)) if values else ValueCounts.of()


def test_values_are_their_own_ids_by_default() -> None:
    values = MaskValues(4)
    assert values.to_entries[[0, 3, 255, 65535]].tolist() == [0, 3, 255, 255]
    counts = counted(0, 1, 3, 255, 65535)
    by_id = values.counts_by_id(counts)
    assert by_id.shape == (1, 256) and by_id[0, [0, 1, 2, 3, 255]].tolist() == [1, 1, 0, 1, 2]
    values.check([Path("a.png")], counts)


def test_more_than_255_ids() -> None:
    values = MaskValues(300)
    assert values.void == 65535
    assert values.to_entries[[0, 255, 299, 65535]].tolist() == [0, 255, 299, 300]
    by_id = values.counts_by_id(counted(255, 255, 299, 65535))
    assert by_id.shape == (1, 301)
    assert by_id[0, [255, 299, 300]].tolist() == [2, 1, 1]
    with pytest.raises(ValueError, match=r"value 300 .* 0\.\.299, .*, or 65535 \(void\)"):
        values.check([Path("a.png")], counted(300))
    mapped = MaskValues(300, {1000: 255, 9: 65535})
    assert mapped.to_entries[[1000, 9]].tolist() == [255, 300]
    with pytest.raises(ValueError, match=r"label_map: got the dataset ids \[300\]"):
        MaskValues(300, {1000: 300})


def test_a_label_map_and_void_ids() -> None:
    values = MaskValues(3, MAP, (4, 5))
    assert values.to_entries[[7, 8, 9, 200, 4, 5]].tolist() == [0, 1, 255, 2, 255, 255]
    assert values.given() == {**MAP, 4: 255, 5: 255}
    values.check([Path("a.png")], counted(7, 8, 9, 200, 4, 5))
    copied = pickle.loads(pickle.dumps(values))
    assert copied == values and hash(copied) == hash(values)


@given(
    st.dictionaries(st.integers(0, 255), st.sampled_from([0, 1, 2, 255])),
    st.lists(st.integers(0, 255), max_size=20),
)
def test_counts_follow_the_map(label_map: dict[int, int], mask: list[int]) -> None:
    known = [value for value in mask if value in label_map]
    expected = np.zeros(256, dtype=np.int64)
    for value in known:
        expected[label_map[value]] += 1
    by_id = MaskValues(3, label_map).counts_by_id(counted(*known))
    assert by_id.sum(axis=0).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("arguments", "mask", "text"),
    [
        ((3,), (3,), r"b\.png: value 3 is no class; expected 0\.\.2, .*or 255 \(void\)"),
        ((3, None, (9,)), (9, 4), r"b\.png: value 4 is .* 9, 255 \(void\).* to void_ids"),
        ((3, MAP), (7, 255), r"b\.png: value 255 is no class; expected one of label_map"),
        ((3, MAP), (0,), r"b\.png: value 0 is"),
    ],
)
def test_other_values_are_errors_that_name_the_file(
    arguments: tuple[Any, ...], mask: tuple[int, ...], text: str
) -> None:
    counts = ValueCounts.joined([counted(*((*arguments, None)[1] or [0])), counted(*mask)])
    with pytest.raises(ValueError, match=text):
        MaskValues(*arguments).check([Path("a.png"), Path("b.png")], counts)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((3, {65536: 0}), r"label_map: got the mask values \[65536\]"),
        ((3, None, (-1,)), r"void_ids: got the mask values \[-1\]"),
        ((3, {7: 3, 8: 254}), r"label_map: got the dataset ids \[3, 254\]; expected 0\.\.2"),
        ((3, MAP, (8,)), r"void_ids: the mask values \[8\] have a class as well"),
        ((3, None, (2,)), r"void_ids: the mask values \[2\] have a class as well"),
    ],
)
def test_bad_arguments(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MaskValues(*arguments)
