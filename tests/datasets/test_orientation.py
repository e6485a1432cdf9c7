import numpy as np
import pytest
from PIL import Image, ImageOps

from avalanche_seg.datasets.orientation import orientation_of, swaps_sides, turn_upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (1, 7), (3, 5, 3)])
def test_turns_are_pillows(shape: tuple[int, ...], orientation: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    assert orientation_of(image) == orientation
    turned = turn_upright(pixels, orientation)
    np.testing.assert_array_equal(turned, np.asarray(ImageOps.exif_transpose(image)))
    assert turned.flags.c_contiguous and turned.flags.writeable
    assert (turned.shape[:2] != shape[:2]) == (swaps_sides(orientation) and shape[0] != shape[1])


@pytest.mark.parametrize("value", [None, 0, 9, 65535, "6", (6, 6)])
def test_no_orientation_is_upright(value: object) -> None:
    image = Image.new("L", (2, 3))
    if value is not None:
        image.getexif()[0x0112] = value
    assert orientation_of(image) == 1
