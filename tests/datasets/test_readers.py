from pathlib import Path

import pytest

from avalanche_seg.datasets import (
    READERS,
    SegmentationFiles,
    Split,
    make_synthetic_voc,
    read_files,
    read_folder,
    read_voc,
    reader_help,
)


def test_folder_and_voc(insects: Path, tmp_path: Path) -> None:
    assert read_files("folder", str(insects)) == read_folder(insects)
    folder = make_synthetic_voc(tmp_path, n_train=20, n_val=20, size=(48, 64))
    assert read_files("voc", tmp_path) == read_voc(folder)


def test_the_made_up_voc_is_written_once(tmp_path: Path) -> None:
    files = read_files("synthetic", tmp_path / "made")
    written = files.train.images[0].stat().st_mtime_ns
    assert (len(files.train), len(files.test), files.name) == (240, 80, "VOC2012")
    assert read_files("synthetic", tmp_path / "made") == files
    assert files.train.images[0].stat().st_mtime_ns == written


def test_unknown_names_list_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="'mine' is unknown; expected one of synthetic, voc, fold"):
        read_files("mine", "data")
    split = Split(Path("data"), "train", (), ())
    monkeypatch.setitem(
        READERS, "mine", lambda root: SegmentationFiles(str(root), ("zero", "ant"), split, split)
    )
    assert read_files("mine", "data").name == "data"
    assert reader_help()["mine"] == "mine"


def test_every_reader_has_a_line_of_help() -> None:
    for name, text in reader_help().items():
        assert text.startswith("Read ") and text.endswith("."), name
