from pathlib import Path

import pytest

from avalanche_seg.datasets import read_ade20k, read_files
from avalanche_seg.datasets.ade20k_tasks import ADE20K_NAMES
from tests.devkits import write_image
from tests.scene_kits import write_ade20k

SPLITS = {"training": [[[0, 1]], [[150, 7]], [[3, 3]]], "validation": [[[2, 0]]]}
NAMES = {i: f"{name}, of {name}" for i, name in enumerate(ADE20K_NAMES, start=1)}


@pytest.mark.parametrize("place", [".", "ADEChallengeData2016"])
def test_files_of_both_splits(tmp_path: Path, place: str) -> None:
    folder = write_ade20k(tmp_path, SPLITS)
    files = read_ade20k(tmp_path / place)
    numbers = [f"ADE_train_{k:08d}" for k in (1, 2, 3)]
    assert [path.name for path in files.train.images] == [f"{name}.jpg" for name in numbers]
    assert files.train.masks == tuple(
        folder / "annotations" / "training" / f"{name}.png" for name in numbers
    )
    assert (len(files.test), files.train.name, files.test.name) == (1, "training", "validation")
    assert (files.name, files.n_foreground, files.foreground_ids[-1]) == ("ADE20K", 150, 150)
    assert read_files("ade20k", tmp_path) == files


def test_what_zero_is(tmp_path: Path) -> None:
    write_ade20k(tmp_path, SPLITS)
    for zero_is in ("unlabelled", "background"):
        files = read_ade20k(tmp_path, zero_is=zero_is)  # type: ignore[arg-type]
        assert (files.zero_is, files.class_names[0]) == (zero_is, zero_is)


def test_names_are_first_synonyms(tmp_path: Path) -> None:
    write_ade20k(tmp_path, SPLITS)
    built_in = read_ade20k(tmp_path).class_names
    assert [built_in[i] for i in (1, 2, 13, 150)] == ["wall", "building", "person", "flag"]
    assert len(set(built_in)) == 151
    write_ade20k(tmp_path, SPLITS, names=NAMES | {7: "street, road", 9: " window pane "})
    from_file = read_ade20k(tmp_path).class_names
    assert (from_file[7], from_file[9]) == ("street", "window pane")
    same = [i for i in range(151) if i not in (7, 9)]
    assert [from_file[i] for i in same] == [built_in[i] for i in same]


def test_bad_names(tmp_path: Path) -> None:
    write_ade20k(tmp_path, SPLITS, names={i: NAMES[i] for i in range(1, 150)})
    with pytest.raises(ValueError, match=r"objectInfo150\.txt names no class 150; expected lines"):
        read_ade20k(tmp_path)
    write_ade20k(tmp_path, SPLITS, names=NAMES | {150: "wall"})
    with pytest.raises(ValueError, match=r"\['wall'\] are there twice"):
        read_ade20k(tmp_path)


def test_missing_folders_and_halves(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no ADE20K: no folder images/training"):
        read_ade20k(tmp_path)
    folder = write_ade20k(tmp_path, SPLITS)
    lost = folder / "annotations" / "validation" / "ADE_val_00000001.png"
    lost.unlink()
    with pytest.raises(ValueError, match=r"ADE_val_00000001\.jpg of the split validation has no m"):
        read_ade20k(tmp_path)
    (folder / "images" / "validation" / "ADE_val_00000001.jpg").unlink()
    with pytest.raises(ValueError, match=r"the split validation has no image and no mask"):
        read_ade20k(tmp_path)


def test_masks_without_images(tmp_path: Path) -> None:
    folder = write_ade20k(tmp_path, SPLITS)
    for k in (1, 2):
        (folder / "images" / "training" / f"ADE_train_{k:08d}.jpg").unlink()
    with pytest.raises(
        ValueError, match=r"00000001\.png and 1 more of the split training has no i"
    ):
        read_ade20k(tmp_path)
    write_image(folder / "images" / "training" / "notes.png", (1, 1))  # No image of it.
    with pytest.raises(ValueError, match=r"00000001\.png and 1 more"):
        read_ade20k(tmp_path)
