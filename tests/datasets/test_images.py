import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from avalanche_seg.datasets import image_head, read_image
from tests.devkits import write_image

GREY = np.random.default_rng(0).integers(0, 256, (6, 9), dtype=np.uint8)
DEEP = GREY.astype(np.uint16) * 257


def shown(path: Path) -> NDArray[np.uint8]:
    """H x W x 3, after a check that the head says the same of the file."""
    image = read_image(path)
    assert image.dtype == torch.uint8 and image.stride()[0] == 1
    head = image_head(path, path.read_bytes())
    assert (head.height, head.width) == tuple(image.shape[1:])
    return image.permute(1, 2, 0).numpy()


def test_read_image(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "rgb.png")
    image = read_image(tmp_path / "rgb.png")
    assert image.dtype == torch.uint8
    np.testing.assert_array_equal(image.numpy(), pixels.transpose(2, 0, 1))
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    expected = np.repeat(pixels[None, ..., 0], 3, axis=0)
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png").numpy(), expected)


def _deep_rgb_png(path: Path) -> None:
    """16 bits per channel, by hand: Pillow writes no such file."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = np.repeat(DEEP[..., None], 3, axis=2).astype(">u2")
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", 9, 6, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def _tiff(path: Path, values: NDArray[np.uint16], bits: int, photometric: int) -> None:
    """A grey TIFF by hand, uncompressed, little-endian."""
    if bits == 12:
        pairs = values.reshape(len(values), -1, 2).astype(np.uint16)
        first, second = pairs[..., 0], pairs[..., 1]
        packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1)
        data = packed.astype(np.uint8).tobytes()
    else:
        data = values.astype("<u2").tobytes()
    height, width = values.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric)]
    tags += [(273, 8), (277, 1), (278, height), (279, len(data))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    offset = 8 + len(data)
    head = b"II*\0" + struct.pack("<I", offset)
    path.write_bytes(head + data + struct.pack("<H", len(tags)) + entries + bytes(4))


DEEP_FILES = {
    "png": lambda path: Image.fromarray(DEEP).save(path, "PNG"),
    "png, RGB": _deep_rgb_png,
    "tiff": lambda path: Image.fromarray(DEEP).save(path, "TIFF"),
    "tiff, LZW": lambda path: Image.fromarray(DEEP).save(path, "TIFF", compression="tiff_lzw"),
    "tiff, white is 0": lambda path: _tiff(path, 65535 - DEEP, 16, 0),
    "pgm": lambda path: Image.fromarray(DEEP.astype(np.int32)).save(path, "PPM"),
    "jpeg 2000": lambda path: Image.fromarray(DEEP).save(path, "JPEG2000"),
}


@pytest.mark.parametrize("name", DEEP_FILES)
def test_16_bits_are_scaled_to_8(tmp_path: Path, name: str) -> None:
    DEEP_FILES[name](tmp_path / "a")
    np.testing.assert_array_equal(shown(tmp_path / "a"), np.repeat(GREY[..., None], 3, axis=2))


def test_values_of_16_bits_between_two_greys_become_the_nearest(tmp_path: Path) -> None:
    deep = np.array([[0, 128, 129, 257 * 7 + 128, 257 * 7 + 129, 65534]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert shown(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0, 1, 7, 8, 255]


def test_white_of_12_bits_is_white(tmp_path: Path) -> None:
    values = np.array([[0, 4095, 2048, 16]], dtype=np.uint16)
    _tiff(tmp_path / "a.tif", values, 12, 1)
    assert shown(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 255, 128, 1]


MODES = [("1", "png"), ("L", "png"), ("LA", "png"), ("P", "png"), ("RGBA", "png"), ("P", "gif")]
MODES += [("1", "tif"), ("CMYK", "tif"), ("YCbCr", "tif"), ("PA", "tif"), ("RGBA", "tga")]
MODES += [("RGB", "bmp"), ("L", "jp2"), ("RGB", "ppm"), ("RGB", "sgi"), ("LA", "dds")]


@pytest.mark.parametrize(("mode", "suffix"), MODES)
def test_8_bits_of_every_mode(tmp_path: Path, mode: str, suffix: str) -> None:
    image = Image.fromarray(np.stack([GREY, GREY.T.reshape(6, 9), 255 - GREY], axis=-1))
    image = image.convert(mode)
    image.save(tmp_path / f"a.{suffix}")
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(shown(tmp_path / f"a.{suffix}"), expected)


def test_transparency_is_dropped_without_a_warning(tmp_path: Path) -> None:
    image = Image.fromarray(GREY).convert("P")
    image.save(tmp_path / "a.png", transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (shown(tmp_path / "a.png") == GREY[..., None]).all()


UNKNOWN_WHITE = {
    "floats": GREY.astype(np.float32) / 255,
    "32 bits": GREY.astype(np.int32),
    "signed": DEEP.astype(np.int16),
}


@pytest.mark.parametrize("name", UNKNOWN_WHITE)
def test_images_without_a_known_white_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tif"
    values = UNKNOWN_WHITE[name]
    if name == "signed":
        _tiff(path, values.view(np.uint16), 16, 1)
        content = bytearray(path.read_bytes())
        count = struct.unpack_from("<H", content, 8 + DEEP.nbytes)[0]
        sample_format = struct.pack("<HHII", 339, 4, 1, 2)
        struct.pack_into("<H", content, 8 + DEEP.nbytes, count + 1)
        path.write_bytes(bytes(content[:-4]) + sample_format + bytes(4))
    else:
        Image.fromarray(values).save(path)
    text = r"a\.tif: got an image of mode [FI] .*0\.\.255 or 0\.\.65535"
    with pytest.raises(ValueError, match=text):
        read_image(path)
    with pytest.raises(ValueError, match=text):
        image_head(path, path.read_bytes())


KINDS = {
    "jpeg": ("RGB", "JPEG", {"quality": 95}),
    "grey jpeg": ("L", "JPEG", {}),
    "CMYK jpeg": ("CMYK", "JPEG", {}),
    "png": ("RGB", "PNG", {}),
    "palette": ("P", "PNG", {}),
    "deep png": ("I;16", "PNG", {}),
    "tiff": ("RGB", "TIFF", {}),
    "grey tiff": ("L", "TIFF", {}),
    "packed tiff": ("L", "TIFF", {"compression": "tiff_lzw"}),
    "deep tiff": ("I;16", "TIFF", {}),
    "webp": ("RGB", "WEBP", {"lossless": True}),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_images_are_turned_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    mode, file_format, options = KINDS[kind]
    grey = Image.fromarray(GREY).resize((36, 24), Image.Resampling.BILINEAR)
    image = (
        grey.convert(mode)
        if mode != "I;16"
        else Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    )
    stored, path = tmp_path / "stored", tmp_path / "tagged"
    image.save(stored, file_format, **options)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, file_format, exif=exif, **options)
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    plain = Image.fromarray(shown(stored))
    expected = plain if orientation == 1 else plain.transpose(method[orientation])
    np.testing.assert_array_equal(shown(path), np.asarray(expected))
    assert image_head(path, path.read_bytes()).orientation == orientation


def test_an_orientation_in_xmp_is_one_too(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.new("RGB", (9, 6)).save(tmp_path / "a.jpg", xmp=xmp)
    assert shown(tmp_path / "a.jpg").shape == (9, 6, 3)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM*\0garbage", b"Exif\0\0no"])
def test_a_damaged_tag_turns_nothing(tmp_path: Path, exif: bytes) -> None:
    Image.new("RGB", (9, 6)).save(tmp_path / "a.jpg", exif=exif)
    assert shown(tmp_path / "a.jpg").shape == (6, 9, 3)


def test_a_value_beyond_8_turns_nothing(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    Image.new("RGB", (9, 6)).save(tmp_path / "a.png", exif=exif)
    assert shown(tmp_path / "a.png").shape == (6, 9, 3)


def test_truncated_jpeg(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.jpg", (40, 60))
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match=r"a\.jpg: the image cannot be read"):
        read_image(path)


def _photograph(size: tuple[int, int]) -> Image.Image:
    small = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by 90 degrees.
    return exif


JPEGS = {
    "full colour": ("RGB", {"subsampling": 0, "quality": 95}),
    "half colour": ("RGB", {"subsampling": 2, "quality": 60}),
    "progressive": ("RGB", {"progressive": True}),
    "turned by EXIF": ("RGB", {"exif": _turned()}),
    "grey": ("L", {}),
    "CMYK": ("CMYK", {}),
}


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("decoder", [True, False])
def test_jpegs_have_pillows_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, decoder: bool
) -> None:
    if not decoder:
        monkeypatch.delattr("torchvision.io.decode_jpeg")
    mode, options = JPEGS[name]
    _photograph((57, 43)).convert(mode).save(tmp_path / "a.jpg", **options)
    with Image.open(tmp_path / "a.jpg") as picture:
        upright = ImageOps.exif_transpose(picture)
        expected = np.array(upright.convert("RGB")).transpose(2, 0, 1)
    image = read_image(tmp_path / "a.jpg")
    np.testing.assert_array_equal(image.numpy(), expected)
    assert image.stride() == (1, upright.width * 3, 3), "channels last in memory"
    image.fill_(0)  # One's own.


def test_jpegs_where_warnings_are_errors(tmp_path: Path) -> None:
    _photograph((20, 30)).save(tmp_path / "a.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "a.jpg").shape == (3, 30, 20)
