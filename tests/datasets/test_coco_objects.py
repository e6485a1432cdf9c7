from typing import Any

import numpy as np
import pytest

from avalanche_seg.datasets.coco_objects import draw_objects, object_mask
from tests.own_data import run_lengths

SIZE = (6, 8)


def box(x0: float, y0: float, x1: float, y1: float) -> list[float]:
    return [x0, y0, x1, y0, x1, y1, x0, y1]


def one(category: int, *polygons: list[float], crowd: int = 0) -> dict[str, Any]:
    return {"id": 7, "category_id": category, "segmentation": [*polygons], "iscrowd": crowd}


def covered(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    mask[rows, columns] = True
    return mask


def test_polygons_and_run_lengths() -> None:
    expected = covered(slice(1, 4), slice(2, 6))
    found = object_mask(one(1, box(2, 1, 6, 4)), SIZE, "a")
    np.testing.assert_array_equal(found, expected)
    text = {"segmentation": run_lengths(expected)}
    np.testing.assert_array_equal(object_mask(text, SIZE, "a"), expected)
    runs = [13, 3, 3, 3, 3, 3, 3, 3, 14]  # Down the columns, background first.
    numbers = {"segmentation": {"size": [*SIZE], "counts": runs}}
    np.testing.assert_array_equal(object_mask(numbers, SIZE, "a"), expected)
    two = object_mask(one(1, box(0, 0, 2, 2), box(4, 0, 8, 2)), SIZE, "a")
    np.testing.assert_array_equal(two, covered(slice(2), slice(2)) | covered(slice(2), slice(4, 8)))


@pytest.mark.parametrize("turned", [False, True])
def test_the_smaller_is_on_top_and_crowds_are_void_below(turned: bool) -> None:
    objects = [one(1, box(0, 0, 6, 6)), one(2, box(2, 2, 4, 4)), one(1, box(4, 0, 8, 6), crowd=1)]
    mask = draw_objects(
        objects[::-1] if turned else objects, SIZE, {1: 5, 2: 9}, void=255, what="a"
    )
    expected = np.full(SIZE, 5)
    expected[:, 6:] = 255
    expected[2:4, 2:4] = 9
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected)


def test_more_than_255_categories() -> None:
    mask = draw_objects([one(4, box(0, 0, 8, 6))], SIZE, {4: 300}, void=65535, what="a")
    assert mask.dtype == np.uint16 and (mask == 300).all()


@pytest.mark.parametrize(
    ("outline", "text"),
    [
        ([], "has no outline"),
        (None, "has no outline .*not boxes alone"),
        ([[0, 0, 1, 1]], "polygon of fewer than three points"),
        ([box(0, 0, 9.5, 2)], r"outside its image of 8x6 pixels \(x 0\.\.9\.5, y 0\.\.2\)"),
        ([box(-3, 0, 2, 2)], "outside its image"),
        ([box(0, 0, float("nan"), 2)], "outside its image"),
        ({"size": [3, 3], "counts": [9]}, r"run lengths of size \[3, 3\] in an image of \[6, 8\]"),
    ],
)
def test_outlines_that_are_none(outline: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^a: annotation 7 has .*{text.removeprefix('has ')}"):
        object_mask({"id": 7, "segmentation": outline}, SIZE, "a")


def test_a_polygon_may_leave_its_image_by_a_pixel() -> None:
    assert object_mask(one(1, box(-0.4, 0, 8.6, 6)), SIZE, "a").all()
