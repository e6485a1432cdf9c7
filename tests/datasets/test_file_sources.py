import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets import content_of
from avalanche_seg.datasets.colours import ColourTable
from avalanche_seg.datasets.file_sources import ColouredMask, ReadImage

PIXELS = np.array([[[0, 0, 0], [9, 0, 0]]], dtype=np.uint8)
TABLE = ColourTable({(0, 0, 0): 0, (9, 0, 0): 3})


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_coloured_mask(tmp_path: Path, suffix: str, mode: str) -> None:
    if (suffix, mode) == (".bmp", "RGBA"):
        mode = "RGB"
    path = tmp_path / f"a{suffix}"
    image = Image.fromarray(PIXELS).convert("RGB" if mode == "P" else mode)
    if mode == "P":
        image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
        image.putpalette([0, 0, 0, 9, 0, 0])
    image.save(path)
    mask = ColouredMask(path, TABLE)
    assert mask.pixels().tolist() == [[0, 3]]
    assert (mask.name, mask.stem, str(mask)) == (path.name, "a", str(path))


def test_another_table_is_another_content(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    mask, other = (
        ColouredMask(path, TABLE),
        ColouredMask(path, ColourTable({(0, 0, 0): 1, (9, 0, 0): 3})),
    )
    assert mask.state() != other.state()
    assert content_of(mask, "mask") != content_of(other, "mask")
    before = mask.state()
    os.utime(path, ns=(1, 1))
    assert mask.state() != before
    path.unlink()
    with pytest.raises(ValueError, match=r"a\.png: the file cannot be found"):
        mask.state()
    Image.fromarray(PIXELS).save(path, "JPEG")
    with pytest.raises(ValueError, match=r"a\.png: got a mask coded as JPEG"):
        mask.pixels()


def read_numbers(path: Path) -> np.ndarray:
    return np.loadtxt(path, dtype=np.uint8, ndmin=2)


def test_an_image_by_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1 2\n3 4\n")
    image = ReadImage(path, read_numbers)
    assert image.pixels()[..., 1].tolist() == [[1, 2], [3, 4]]
    content = content_of(image, "image")
    path.write_text("1 2 3 4\n")
    assert content_of(image, "image") != content
    path.write_text("one")
    with pytest.raises(ValueError, match=r"a\.txt: image_reader failed \(ValueError: .*reader"):
        image.pixels()
    with pytest.raises(ValueError, match=r"a\.txt: got an image of type str"):
        ReadImage(path, Path.read_text).pixels()
