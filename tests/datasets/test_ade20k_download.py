import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from avalanche_seg.benchmarks import ADE20KIncremental
from avalanche_seg.datasets import ade20k_download, download_ade20k, read_ade20k
from tests.datasets.archives import serve_ranges
from tests.scene_kits import write_ade20k


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = write_ade20k(tmp_path / "made", {"training": [[[1]]], "validation": [[[1]]]})
    return packed(folder.parent)


def packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, path.relative_to(folder))
    return buffer.getvalue()


def test_fetched_unpacked_and_read(tmp_path: Path, archive: bytes) -> None:
    root = tmp_path / "root"
    md5 = hashlib.md5(archive).hexdigest()
    with serve_ranges(archive) as server:
        folder = download_ade20k(root, url=server.url, md5=md5, progress=False)
        assert folder == root / "ADEChallengeData2016" and list(root.iterdir()) == [folder]
        assert len(read_ade20k(root).train) == 1
        assert download_ade20k(root, url=server.url, progress=False) == folder
        assert server.ranges == [None], "what is there is not fetched"


@pytest.mark.filterwarnings("ignore:.*of 2 classes|.*are in training as well|.*have no pixel")
def test_through_the_constructor(
    tmp_path: Path, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_ranges(archive) as server:
        defaults = {"url": server.url, "md5": None, "progress": True}
        monkeypatch.setattr(ade20k_download.download_ade20k, "__kwdefaults__", defaults)
        benchmark = ADE20KIncremental(
            tmp_path / "new", download=True, task="offline", progress=False
        )
    assert len(benchmark.train_stream[0].dataset) == 1


def test_archives_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("none")
    for content, text in (
        (packed(tmp_path / "other"), r"2016\.zip holds no ADEChallengeData2016; remove it"),
        (b"no archive", r"2016\.zip cannot be unpacked \(.*\); remove it and fetch it again"),
    ):
        root = tmp_path / str(len(content))
        with serve_ranges(content) as server, pytest.raises(ValueError, match=text):
            download_ade20k(root, url=server.url, md5=None, progress=False)
        assert not (root / "ADEChallengeData2016").exists()


def test_a_stopped_unpacking_is_done_anew(tmp_path: Path, archive: bytes) -> None:
    left = tmp_path / "ADEChallengeData2016.unfinished" / "ADEChallengeData2016" / "junk.png"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"")
    (tmp_path / "ADEChallengeData2016.zip").write_bytes(archive)
    folder = download_ade20k(tmp_path, url="http://127.0.0.1:1", md5=None, progress=False)
    assert not (folder / "junk.png").exists() and len(read_ade20k(tmp_path).test) == 1
