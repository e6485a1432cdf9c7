import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import SBDataset, voc

from avalanche_seg.benchmarks import VOCIncremental
from avalanche_seg.datasets import download_voc, read_voc, voc_download, voc_palette
from tests.datasets.archives import (
    SBD_ID,
    SIZE,
    VOC_ID,
    VOC_TRAIN,
    VOC_VAL,
    Server,
    point_torchvision_at,
    serve,
    write_archives,
)

AUGMENTED = ["s1", "s2", "s3", "t1", "t2", "t3"]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_archives(tmp_path_factory.mktemp("archives"))


@pytest.fixture
def server(archives: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serve(archives["voc"].parent) as server:
        point_torchvision_at(server, archives, monkeypatch)
        yield server


def _list(root: Path) -> Path:
    return root / "VOCdevkit/VOC2012/ImageSets/Segmentation/train_aug.txt"


def _check_whole(root: Path) -> None:
    devkit = read_voc(root, augmented=True)
    assert [path.stem for path in devkit.train.images] == AUGMENTED
    assert [path.stem for path in devkit.test.images] == VOC_VAL
    for path in devkit.train.masks:
        mask = Image.open(path)
        assert (mask.mode, mask.size, mask.getpalette()) == ("P", SIZE[::-1], voc_palette())
        assert (np.asarray(mask) == (VOC_ID if path.stem in VOC_TRAIN else SBD_ID)).all()
    assert not [path for path in root.rglob("*.tmp")]


def test_augmented_set(tmp_path: Path, server: Server) -> None:
    folder = download_voc(tmp_path / "new" / "root")
    assert folder == tmp_path / "new" / "root" / "VOCdevkit" / "VOC2012"
    _check_whole(tmp_path / "new" / "root")
    assert set(server.served) == {"/voc.tar", "/benchmark.tgz"}
    # VOC's own masks are there for its val images too, though the train list leaves them out.
    val_mask = np.asarray(Image.open(folder / "SegmentationClassAug" / "v1.png"))
    assert (val_mask == VOC_ID).all()


def test_a_second_call_downloads_and_writes_nothing(tmp_path: Path, server: Server) -> None:
    download_voc(tmp_path)
    server.served.clear()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    download_voc(tmp_path)
    download_voc(tmp_path, augmented=False)
    assert server.served == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_plain_fetches_voc_only(tmp_path: Path, server: Server) -> None:
    download_voc(tmp_path, augmented=False)
    assert set(server.served) == {"/voc.tar"}
    assert [path.stem for path in read_voc(tmp_path).train.images] == VOC_TRAIN
    download_voc(tmp_path)  # the rest may come later
    _check_whole(tmp_path)


def test_a_devkit_that_is_there_is_used(tmp_path: Path, server: Server) -> None:
    download_voc(tmp_path / "first", augmented=False)
    (tmp_path / "first" / "VOCdevkit" / "VOC2012").rename(tmp_path / "VOC2012")
    server.served.clear()
    assert download_voc(tmp_path) == tmp_path / "VOC2012"
    assert set(server.served) == {"/benchmark.tgz"}
    _check_whole(tmp_path)


def test_through_the_front_door(tmp_path: Path, server: Server) -> None:
    options: dict[str, Any] = {
        "task": [[VOC_ID], [SBD_ID]],
        "setting": "overlapped",
        "progress": False,
    }
    benchmark = VOCIncremental(tmp_path, download=True, **options)
    assert [len(experience.dataset) for experience in benchmark.train_stream] == [3, 3]


def test_the_front_door_fetches_no_more_than_it_needs(tmp_path: Path, server: Server) -> None:
    options: dict[str, Any] = {"augmented": False, "task": [[VOC_ID]], "progress": False}
    benchmark = VOCIncremental(tmp_path, download=True, **options)
    assert len(benchmark.train_stream[0].dataset) == 3
    assert set(server.served) == {"/voc.tar"}


@pytest.mark.parametrize("archive", ["voc", "sbd"])
def test_a_wrong_checksum(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, archive: str
) -> None:
    with monkeypatch.context() as patch:
        if archive == "voc":
            patch.setitem(voc.DATASET_YEAR_DICT["2012"], "md5", "0" * 32)
        else:
            patch.setattr(SBDataset, "md5", "0" * 32)
        with pytest.raises(RuntimeError, match="corrupted"):
            download_voc(tmp_path)
        assert not _list(tmp_path).exists()
    download_voc(tmp_path)
    _check_whole(tmp_path)


def _interrupt(patch: pytest.MonkeyPatch, owner: Any, name: str, after: int) -> None:
    """The call after this many raises KeyboardInterrupt."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(after))

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    patch.setattr(owner, name, interrupted)


INTERRUPTIONS = {
    "while VOC's images are extracted": (tarfile.TarFile, "makefile", 6),
    "while VOC's masks are extracted": (tarfile.TarFile, "makefile", 13),
    "while VOC's masks are copied": (shutil, "copyfile", 2),
    "while SBD is extracted": (tarfile.TarFile, "makefile", 20),
    "while SBD is moved": (shutil, "move", 2),
    "before SBD's last list is moved": (shutil, "move", 4),
    "while SBD's masks are converted": (voc_download.Image, "fromarray", 3),
    "while the list is written": (Path, "write_text", 0),
}


@pytest.mark.parametrize("place", INTERRUPTIONS)
def test_an_interrupted_call_can_be_repeated(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        _interrupt(patch, *INTERRUPTIONS[place])
        with pytest.raises(KeyboardInterrupt):
            download_voc(tmp_path)
    assert not _list(tmp_path).exists()
    download_voc(tmp_path)
    _check_whole(tmp_path)
