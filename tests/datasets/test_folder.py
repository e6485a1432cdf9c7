from pathlib import Path

import pytest

from avalanche_seg.datasets import read_folder
from avalanche_seg.datasets.folder import read_class_names
from tests.devkits import write_devkit

NAMES = ("background", "ant", "bee")
SPLITS = {"train": {"b": [[1]], "a": [[2]]}, "val": {"c": [[0, 255]]}}


def _names(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "classes.txt").write_text(text, encoding="utf-8")
    return read_class_names(folder / "classes.txt")


def test_reads_the_voc_layout(tmp_path: Path) -> None:
    root = write_devkit(tmp_path / "insects", SPLITS, NAMES)
    devkit = read_folder(root)
    assert (devkit.name, devkit.class_names, devkit.n_foreground) == ("insects", NAMES, 2)
    assert (devkit.train.name, devkit.test.name) == ("train", "val")
    assert devkit.train.images == (root / "JPEGImages/b.jpg", root / "JPEGImages/a.jpg")
    assert devkit.train.masks == tuple(root / f"SegmentationClass/{name}.png" for name in "ba")
    assert devkit.test.images == (root / "JPEGImages/c.jpg",)


def test_root_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none is not a folder; expected .* classes\.txt"):
        read_folder(tmp_path / "none")


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("classes.txt", "one class name per line, the background first"),
        ("ImageSets/Segmentation/train.txt", "expected a text file with one image ID per line"),
        ("ImageSets/Segmentation/val.txt", "expected a text file with one image ID per line"),
        ("JPEGImages/a.jpg", "does not exist"),
        ("SegmentationClass/c.png", "does not exist"),
    ],
)
def test_missing_files_are_named(tmp_path: Path, missing: str, text: str) -> None:
    root = write_devkit(tmp_path, SPLITS, NAMES)
    (root / missing).unlink()
    with pytest.raises(ValueError, match=text) as error:
        read_folder(root)
    assert str(root / missing) in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["background\nant\nbee\n", "background\nant\nbee", "background \r\n ant\r\nbee\r\n\r\n"],
    ids=["plain", "no last newline", "crlf and spaces"],
)
def test_class_names(tmp_path: Path, text: str) -> None:
    assert _names(tmp_path, text) == NAMES


def test_class_names_may_hold_spaces_and_other_letters(tmp_path: Path) -> None:
    text = "background\npotted plant\nSch\u00e4fer\n"
    assert _names(tmp_path, text) == ("background", "potted plant", "Sch\u00e4fer")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    assert _names(tmp_path, "\ufeffbackground\nant\nbee\n") == NAMES


def test_as_many_names_as_a_mask_has_room_for(tmp_path: Path) -> None:
    lines = [f"class {i}" for i in range(65536)]
    assert len(_names(tmp_path, "\n".join(lines[:-1]))) == 65535
    with pytest.raises(ValueError, match=r"classes\.txt lists 65536 names; .* can tell 65535"):
        _names(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected the background and at least a class"),
        ("\n\n", "expected the background and at least a class"),
        ("background\n", r"\['background'\]; expected the background and at least a class"),
        ("background\n\nbee\n", r"\['background', '', 'bee'\]"),
        ("background\nant\nbee\nant\nbee\n", r"\['ant', 'bee'\] twice; list each class once"),
    ],
)
def test_bad_class_names(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=rf"classes\.txt.*{expected}"):
        _names(tmp_path, text)


def test_a_blank_first_line_does_not_shift_the_ids(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"classes\.txt"):
        _names(tmp_path, "\nbackground\nant\n")


def test_class_names_in_another_encoding_are_named(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes("background\nSch\u00e4fer\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"classes\.txt"):
        read_class_names(tmp_path / "classes.txt")
