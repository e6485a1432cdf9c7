import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets.png import plain_rows

IDS = np.random.default_rng(0).integers(0, 256, (20, 31), dtype=np.uint8)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    rows: bytes, width: int, height: int, bits: int = 8, colour: int = 3, interlace: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    body = chunk(b"PLTE", bytes(768)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def saved(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG", **options)
    return file.getvalue()


def palette_picture() -> Image.Image:
    picture = Image.fromarray(IDS)
    picture.putpalette(list(range(256)) * 3)
    return picture


@pytest.mark.parametrize("options", [{}, {"transparency": 255}, {"compress_level": 0}])
def test_values_of_pillows_palette_files(options: dict[str, object]) -> None:
    rows = plain_rows(saved(palette_picture(), **options))
    assert rows is not None
    np.testing.assert_array_equal(rows[:, 1:], IDS)


def test_several_chunks_of_data() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (700, 600), dtype=np.uint8)
    picture = Image.fromarray(noise)
    picture.putpalette(list(range(256)) * 3)
    content = saved(picture)
    assert content.count(b"IDAT") > 1
    np.testing.assert_array_equal(plain_rows(content)[:, 1:], noise)  # type: ignore[index]


def test_files_that_might_fill_the_memory_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = saved(palette_picture())
    monkeypatch.setattr("avalanche_seg.datasets.png._MOST_MEMORY", 1032 * len(content))
    assert plain_rows(content) is not None
    monkeypatch.setattr("avalanche_seg.datasets.png._MOST_MEMORY", 1032)
    assert plain_rows(content) is None


OTHERS = {
    "filtered": png(bytes([1, 5, 5]), 2, 1),
    "one filtered row": png(bytes([0, 5, 5, 2, 0, 0]), 2, 2),
    "4 bits": png(bytes([0, 0x12]), 2, 1, bits=4),
    "colour": png(bytes([0, 1, 2, 3]), 1, 1, colour=2),
    "interlaced": png(bytes([0, 1]), 1, 1, interlace=1),
    "too few rows": png(bytes([0, 1, 1]), 2, 2),
    "too many rows": png(bytes([0, 1, 1] * 3), 2, 2),
    "no rows": png(b"", 0, 0),
    "jpeg": b"\xff\xd8\xff",
    "empty": b"",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_left_to_others(name: str) -> None:
    assert plain_rows(OTHERS[name]) is None


def test_no_damage_goes_unseen() -> None:
    good = saved(palette_picture())
    for position in range(8, len(good), 3):
        bad = bytearray(good)
        bad[position] ^= 1 << position % 8
        rows = plain_rows(bytes(bad))
        assert rows is None or np.array_equal(rows[:, 1:], IDS), position
        cut = plain_rows(good[:position])
        assert cut is None or np.array_equal(cut[:, 1:], IDS), position
