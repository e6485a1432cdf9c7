from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets import from_folders, mask_statistics
from tests.devkits import write_image, write_mask


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    for i, split in enumerate(("train", "train", "val")):
        write_image(tmp_path / "roads" / "images" / split / f"{i}.jpg", (1, 3))
        write_mask(tmp_path / "roads" / "masks" / split / f"{i}.png", [[0, i, 255]])
    return tmp_path / "roads" / "images", tmp_path / "roads" / "masks"


def test_names_are_numbered_or_those_of_a_file(folders: tuple[Path, Path]) -> None:
    files = from_folders(*folders)
    assert (files.name, files.class_names) == ("roads", ("background", "class 1", "class 2"))
    assert (len(files.train), len(files.test)) == (2, 1)
    told = folders[0].parent / "names.txt"
    told.write_text("road\ncar\nhouse\n")
    files = from_folders(*folders, class_names=told, zero_is="class", name="mine")
    assert (files.name, files.foreground_ids) == ("mine", (0, 1, 2))


def test_a_label_map_and_void(folders: tuple[Path, Path]) -> None:
    files = from_folders(*folders, label_map={0: 0, 1: 1, 2: 1}, void_ids=[255])
    assert files.class_names == ("background", "class 1")
    assert mask_statistics(files.test, progress=False).counts[0, [0, 1, 255]].tolist() == [1, 1, 1]
    files = from_folders(*folders, void_ids=[2])
    assert files.class_names == ("background", "class 1")


def test_colours(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    for path in masks.rglob("*.png"):
        Image.fromarray(np.array([[[0, 0, 0], [9, 0, 0], [7, 7, 7]]], dtype=np.uint8)).save(path)
    table = {(9, 0, 0): "car", (0, 0, 0): "road", (7, 7, 7): "void"}
    files = from_folders(images, masks, colors=table)
    assert (files.class_names, files.zero_is) == (("car", "road"), "class")
    assert mask_statistics(files.train, progress=False).counts[0, [0, 1, 255]].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="got colors and label_map; expected one"):
        from_folders(images, masks, colors=table, label_map={0: 1})
    del table[7, 7, 7]
    described = from_folders(images, masks, colors=table)
    with pytest.raises(ValueError, match=r"\.png: the colour \(7, 7, 7\) at row 0, column 2"):
        mask_statistics(described.train, progress=False)
    with pytest.raises(ValueError, match=r"mode RGB; .* give from_folders their table \(colors=\)"):
        from_folders(images, masks)


def test_16_bits(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    for path in masks.rglob("*.png"):
        Image.fromarray(np.array([[0, 300, 65535]], dtype=np.uint16)).save(path)
    files = from_folders(images, masks)
    assert len(files.class_names) == 301
    assert mask_statistics(files.train, progress=False).is_deep


def test_missing_folders(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    with pytest.raises(ValueError, match=r"^images: .*nowhere is no folder"):
        from_folders("nowhere", masks)
    with pytest.raises(ValueError, match=r"^masks: .*nowhere is no folder; expected that of the m"):
        from_folders(images, "nowhere")


def test_the_reader_of_images(folders: tuple[Path, Path]) -> None:
    def read(path: Path) -> np.ndarray:
        return np.full((1, 3, 3), 5, dtype=np.uint8)

    files = from_folders(*folders, class_names=["zero", "ant", "bee"], image_reader=read)
    statistics = mask_statistics(files.train, progress=False)
    assert len(np.unique(statistics.digests[:, 0])) == 1, "the pixels are digested"

    def narrow(path: Path) -> np.ndarray:
        return np.zeros((1, 2, 3), dtype=np.uint8)

    narrowed = from_folders(*folders, class_names=["zero", "ant", "bee"], image_reader=narrow)
    with pytest.raises(ValueError, match=r"2\.png is 3x1 pixels and its image 2\.jpg 2x1"):
        mask_statistics(narrowed.test, progress=False)
