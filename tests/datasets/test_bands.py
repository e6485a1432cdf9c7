"""Images of any number of channels."""

import io
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from avalanche_seg.datasets import read_image
from avalanche_seg.datasets.bands import check_value_range, read_bands, to_8_bits

RNG = np.random.default_rng(0)
FIVE = RNG.integers(0, 256, (6, 7, 5), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (6, 7, 4), dtype=np.uint16)


@pytest.mark.parametrize(
    "options",
    [
        {"planarconfig": "contig"},
        {"planarconfig": "contig", "compression": "zlib"},
        {"planarconfig": "contig", "compression": "lzw"},
        {"planarconfig": "contig", "bigtiff": True},
        {"planarconfig": "contig", "byteorder": ">"},
        {"planarconfig": "separate"},
        {},  # A page per channel.
    ],
)
def test_every_layout_of_a_tiff_gives_its_channels_in_order(tmp_path, options):
    path = tmp_path / "five.tif"
    values = FIVE if options.get("planarconfig") == "contig" else FIVE.transpose(2, 0, 1)
    tifffile.imwrite(path, values, photometric="minisblack", **options)
    assert np.array_equal(read_bands(path, 5), FIVE)


def test_16_bits_are_scaled_as_grey_images_are(tmp_path):
    tifffile.imwrite(tmp_path / "deep.tif", DEEP, planarconfig="contig", photometric="minisblack")
    expected = np.rint(DEEP / 65535 * 255)
    assert np.abs(read_bands(tmp_path / "deep.tif", 4) - expected).max() <= 1
    assert (read_bands(tmp_path / "deep.tif", 4) == to_8_bits(DEEP)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.uint32])
def test_a_range_says_what_black_and_white_are(tmp_path, dtype):
    values = np.array([[-3, 0, 50], [100, 400, 25]]).clip(0 if dtype == np.uint32 else None)
    tifffile.imwrite(tmp_path / "a.tif", values.astype(dtype))
    found = read_bands(tmp_path / "a.tif", 1, value_range=(0, 100))
    assert found[..., 0].tolist() == [[0, 0, 128], [255, 255, 64]]
    with pytest.raises(ValueError, match=r"a\.tif: got an image of .*, whose white is not known"):
        read_bands(tmp_path / "a.tif", 1)


@pytest.mark.parametrize(
    ("mode", "n_channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("1", 1), ("P", 3)]
)
def test_other_files_have_the_channels_of_their_mode(tmp_path, mode, n_channels):
    image = Image.fromarray(FIVE[..., : 3 if mode == "P" else 4]).convert(mode)
    image.save(tmp_path / "a.png")
    expected = np.asarray(image.convert("L") if mode == "1" else image)
    expected = np.asarray(image.convert("RGB")) if mode == "P" else expected
    found = read_bands(tmp_path / "a.png", n_channels)
    assert np.array_equal(found, expected.reshape(6, 7, n_channels))
    with pytest.raises(ValueError, match=f"got an image of {n_channels} channels; expected 9"):
        read_bands(tmp_path / "a.png", 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright_in_both_kinds_of_file(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(FIVE[..., 0]).save(tmp_path / "a.png", exif=exif)
    extratags = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", FIVE[..., 0], extratags=extratags)
    shown = read_image(tmp_path / "a.png")[0].numpy()
    for name in ("a.png", "a.tif"):
        assert np.array_equal(read_bands(tmp_path / name, 1)[..., 0], shown)


def test_a_film_whose_zero_is_white_is_turned_to_black(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", FIVE[..., 0], photometric="miniswhite")
    assert np.array_equal(read_bands(tmp_path / "a.tif", 1)[..., 0], 255 - FIVE[..., 0])


@pytest.mark.parametrize("kept", [4, 9, 60, 200])
def test_damaged_files_are_named(tmp_path, kept):
    whole = io.BytesIO()
    tifffile.imwrite(whole, FIVE, planarconfig="contig", photometric="minisblack")
    (tmp_path / "a.tif").write_bytes(whole.getvalue()[:kept])
    (tmp_path / "b.png").write_bytes(b"no image")
    for name in ("a.tif", "b.png", "none.tif"):
        with pytest.raises(ValueError, match=rf"{name}: the image cannot be read"):
            read_bands(tmp_path / name, 5)


def test_a_stack_of_stacks_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 3, 6, 7), np.uint8))
    with pytest.raises(ValueError, match=r"got an image of the shape \(6, 7, 2, 3\)"):
        read_bands(tmp_path / "a.tif", 3)


def test_without_tifffile_its_extra_is_named(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", FIVE[..., 0])
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ValueError, match=r"pip install 'avalanche-seg\[tiff\]'"):
        read_bands(tmp_path / "a.tif", 1)


@pytest.mark.parametrize(
    "wrong", [(1, 0), (0, 0), (0,), "01", (0, float("inf")), (float("nan"), 1)]
)
def test_a_range_is_two_numbers_the_smaller_first(wrong):
    with pytest.raises(ValueError, match="value_range="):
        check_value_range(wrong)
    check_value_range(None)
    check_value_range((-1000, 1000))
