from pathlib import Path

import pytest

from avalanche_seg.datasets.suffixes import FilesOfIds, image_suffixes


def test_no_suffix_of_what_only_other_programs_draw() -> None:
    assert {".jp2", ".tga", ".ppm", ".gif", ".jfif", ".avif"} <= image_suffixes()
    assert not {".eps", ".ps", ".wmf", ".pdf", ".txt", ".mpg", ".h5"} & image_suffixes()


def test_the_suffix_found_last_is_tried_first(tmp_path: Path) -> None:
    files = FilesOfIds(tmp_path, (".jpg", ".png"))
    for name in ("a.jpg", "a.png", "b.png"):
        (tmp_path / name).touch()
    assert [files.find(name).name for name in "aba"] == ["a.jpg", "b.png", "a.png"]


def test_folders_below_and_names_with_dots(tmp_path: Path) -> None:
    files = FilesOfIds(tmp_path, (".jpg",))
    (tmp_path / "deep").mkdir()
    for name in ("deep/a.1.BMP", "b.2.GIF"):
        (tmp_path / name).touch()
    assert files.find("deep/a.1") == tmp_path / "deep" / "a.1.BMP"
    assert files.find("b.2") == tmp_path / "b.2.GIF"
    for missing in ("b", "none/c", "deep/a"):
        assert files.find(missing) == tmp_path / f"{missing}.jpg"


def test_several_files_of_an_id(tmp_path: Path) -> None:
    for name in ("a.bmp", "a.tga"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"a\.bmp and a\.tga have the same ID"):
        FilesOfIds(tmp_path, (".jpg",)).find("a")
