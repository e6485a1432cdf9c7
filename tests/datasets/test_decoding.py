import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from avalanche_seg.datasets import read_image, read_label_map
from avalanche_seg.datasets.png import plain_rows
from tests.devkits import write_mask


@pytest.mark.parametrize("mode", ["P", "L"])
def test_read_label_map(tmp_path: Path, mode: str) -> None:
    ids = np.arange(256, dtype=np.uint8).reshape(8, 32)
    path = write_mask(tmp_path / "m.png", ids)
    if mode == "L":
        Image.fromarray(ids).save(path)
    labels = read_label_map(path)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, ids)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "F", "1"])
def test_masks_of_other_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("m.tif" if mode == "F" else "m.png")
    Image.new(mode, (3, 2)).save(path)
    with pytest.raises(ValueError, match=r"m\....: got a mask of mode .*expected palette \(P\)"):
        read_label_map(path)


@pytest.mark.parametrize("name", ["m.png", "m.tif"])
def test_masks_of_16_bits(tmp_path: Path, name: str) -> None:
    values = np.array([[0, 255, 256], [1000, 40000, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / name)
    labels = read_label_map(tmp_path / name)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, values)


@pytest.mark.parametrize(("value", "shown"), [(70000, "0..70000"), (-1, "-1..0")])
def test_values_beyond_16_bits(tmp_path: Path, value: int, shown: str) -> None:
    Image.fromarray(np.array([[0, value]], dtype=np.int32)).save(tmp_path / "m.tif")
    with pytest.raises(ValueError, match=rf"m\.tif: got a mask of values {shown}; expected 0"):
        read_label_map(tmp_path / "m.tif")


def test_masks_of_one_bit_are_told_what_white_is(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "m.png")
    with pytest.raises(ValueError, match=r"m\.png: got a mask of mode 1; .*id for white"):
        read_label_map(tmp_path / "m.png")


def _png(bits: int, colour: int, rows: bytes, width: int) -> bytes:
    """A PNG of one row by hand; Pillow writes no grey ones of under 8 bits."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, colour, 0, 0, 0))
    palette = chunk(b"PLTE", bytes(48)) if colour == 3 else b""
    body = header + palette + chunk(b"IDAT", zlib.compress(b"\0" + rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_4_bit_palette_masks_keep_their_values(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(_png(4, 3, bytes([0x01, 0x2F]), width=4))
    assert read_label_map(tmp_path / "m.png").tolist() == [[0, 1, 2, 15]]


@pytest.mark.parametrize(("bits", "row", "ids"), [(4, 0x12, [1, 2]), (2, 0x1B, [0, 1, 2, 3])])
def test_grey_masks_under_8_bits_are_never_scaled(
    tmp_path: Path, bits: int, row: int, ids: list[int]
) -> None:
    # Pillow stretches such values to 0..255: class 1 would silently become class 17 or 85.
    (tmp_path / "m.png").write_bytes(_png(bits, 0, bytes([row]), width=len(ids)))
    try:
        labels = read_label_map(tmp_path / "m.png")
    except ValueError as error:
        assert "m.png" in str(error)  # refusing them is as good
    else:
        assert labels.tolist() == [ids]


@pytest.mark.parametrize("read", [read_image, read_label_map])
@pytest.mark.parametrize("content", [None, b"", b"garbage"], ids=["missing", "empty", "garbage"])
def test_unreadable_files_are_named(tmp_path: Path, read: object, content: bytes | None) -> None:
    path = tmp_path / "x.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path}: the (image|mask) cannot be read .*replace"):
        read(path)  # type: ignore[operator]


@pytest.mark.parametrize("read", [read_image, read_label_map])
def test_a_file_beyond_pillows_size_limit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: object
) -> None:
    path = write_mask(tmp_path / "huge.png", np.zeros((10, 10)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(ValueError, match=r"huge\.png"):
        read(path)  # type: ignore[operator]


def test_damaged_masks_are_pillows_to_name(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "m.png", np.arange(256).reshape(16, 16))
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match=r"m\.png: the mask cannot be read"):
        read_label_map(path)


LOSSY = {
    "JPEG": {"format": "JPEG", "quality": 100},
    "JPEG2000": {"format": "JPEG2000"},
    "AVIF": {"format": "AVIF"},
    "WEBP": {"format": "WEBP", "lossless": True},
    "TIFF with JPEG compression": {"format": "TIFF", "compression": "jpeg"},
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".tif", ""])
@pytest.mark.parametrize("name", LOSSY)
def test_masks_coded_with_losses_are_refused_whatever_their_suffix(
    tmp_path: Path, name: str, suffix: str
) -> None:
    path = tmp_path / f"m{suffix}"
    Image.fromarray(np.full((16, 16), 3, dtype=np.uint8)).save(path, **LOSSY[name])
    with pytest.raises(ValueError, match=rf"m{suffix}: got a mask coded as {name}, .*as PNG"):
        read_label_map(path)


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "packbits"}])
def test_masks_in_other_formats_without_losses(tmp_path: Path, options: dict[str, str]) -> None:
    ids = np.arange(256, dtype=np.uint8).reshape(8, 32)
    suffixes = (".tif",) if options else (".tif", ".bmp", ".gif", ".pgm", ".tga")
    for suffix in suffixes:
        Image.fromarray(ids).save(tmp_path / f"m{suffix}", **options)
        np.testing.assert_array_equal(read_label_map(tmp_path / f"m{suffix}"), ids)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_mask_that_is_to_be_turned_is_refused(tmp_path: Path, suffix: str) -> None:
    for orientation in (1, 3, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"m{orientation}.{suffix}"
        Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8)).save(path, exif=exif)
    assert read_label_map(tmp_path / f"m1.{suffix}").tolist() == [[0, 1], [2, 3]]
    for orientation in (3, 6):
        with pytest.raises(ValueError, match=rf"m{orientation}\..*EXIF orientation {orientation}"):
            read_label_map(tmp_path / f"m{orientation}.{suffix}")


def test_comments_in_a_mask_are_no_hindrance(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("Software", "a tool")
    Image.fromarray(np.array([[7]], dtype=np.uint8)).save(tmp_path / "m.png", pnginfo=text)
    assert plain_rows((tmp_path / "m.png").read_bytes()) is not None
    assert read_label_map(tmp_path / "m.png").tolist() == [[7]]
