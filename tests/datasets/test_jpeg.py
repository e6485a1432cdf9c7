import io

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets.jpeg import jpeg_head


def saved(mode: str = "RGB", size: tuple[int, int] = (57, 43), **options: object) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"x" * 60000}])
def test_sizes_are_pillows(mode: str, options: dict[str, object]) -> None:
    assert jpeg_head(saved(mode, **options)) == (43, 57, False)
    assert jpeg_head(saved(mode, size=(1, 3000), **options)) == (3000, 1, False)


def test_metadata_is_seen_before_and_after_the_frame() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    tagged = saved(exif=exif)
    assert jpeg_head(tagged) == (43, 57, True)
    assert jpeg_head(saved(xmp=b"<x/>")) == (43, 57, True)
    start = tagged.index(b"\xff\xe1")
    end = start + 2 + int.from_bytes(tagged[start + 2 : start + 4])
    without = tagged[:start] + tagged[end:]
    scan = without.index(b"\xff\xda")
    late = without[:scan] + tagged[start:end] + without[scan:]
    assert jpeg_head(without) == (43, 57, False)
    assert jpeg_head(late) == (43, 57, True)


def test_what_is_no_whole_head_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    content = saved()
    scan = content.index(b"\xff\xda")
    for length in range(scan + 3):
        assert jpeg_head(content[:length]) is None
    assert jpeg_head(b"\x89PNG" + content) is None
    frame = content.index(b"\xff\xc0")
    for position, value in ((1, 0xC3), (4, 12), (6, 0)):  # Lossless, 12 bits, and below no rows.
        bad = bytearray(content)
        bad[frame + position] = value
        if position == 6:
            bad[frame + 5] = 0
        assert jpeg_head(bytes(bad)) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert jpeg_head(content) is None


def test_no_damage_is_an_error() -> None:
    content = saved(exif=Image.Exif(), size=(9, 8))
    for position in range(len(content)):
        for value in (0, 1, 127, 255):
            bad = bytearray(content)
            bad[position] = value
            jpeg_head(bytes(bad))
