import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from avalanche_seg.datasets import download
from avalanche_seg.datasets.download import fetch
from tests.datasets.archives import RangeServer, serve_ranges

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "_CHUNK", 1000)
    with serve_ranges(CONTENT) as server:
        yield server


def test_a_whole_file(tmp_path: Path, server: RangeServer, capfd: pytest.CaptureFixture) -> None:
    path = fetch(server.url, tmp_path / "new" / "a.zip", md5=MD5)
    assert path.read_bytes() == CONTENT and [p.name for p in path.parent.iterdir()] == ["a.zip"]
    told = capfd.readouterr().err
    assert told.startswith(f"fetching {server.url} (0 MB)\n") and "a.zip: 100%" in told
    fetch(server.url, path, md5=MD5)
    assert server.ranges == [None], "a file that is there is not fetched again"


def test_a_stopped_download_goes_on(tmp_path: Path, server: RangeServer) -> None:
    path = tmp_path / "a.zip"
    server.drop_after = 3500
    with pytest.raises(ValueError, match=r"ended after 3500 of 10240 bytes.*call again to go on"):
        fetch(server.url, path, md5=MD5, progress=False)
    assert not path.exists() and (tmp_path / "a.zip.part").stat().st_size == 3500
    server.drop_after = None
    fetch(server.url, path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT and server.ranges == [None, "bytes=3500-"]


def test_the_size_where_the_server_tells_none(
    tmp_path: Path, server: RangeServer, capfd: pytest.CaptureFixture
) -> None:
    server.tells_size = False
    fetch(server.url, tmp_path / "a.zip", md5=MD5, about="about 5 GB")
    assert capfd.readouterr().err.startswith(f"fetching {server.url} (about 5 GB)\n")


def test_a_server_without_ranges_starts_anew(tmp_path: Path, server: RangeServer) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"x" * 100)
    server.knows_ranges = False
    assert fetch(server.url, tmp_path / "a.zip", md5=MD5, progress=False).read_bytes() == CONTENT


def test_what_arrived_whole_is_only_checked(tmp_path: Path, server: RangeServer) -> None:
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "a.zip", md5=MD5, progress=False).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_checksums(tmp_path: Path, server: RangeServer) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(ValueError, match=rf"a\.zip\.part: got the MD5 checksum {MD5}.*expected 00"):
        fetch(server.url, path, md5="00", progress=False)
    assert not path.exists()
    assert fetch(server.url, path, progress=False).read_bytes() == CONTENT
    path.write_bytes(b"spoilt")
    with pytest.raises(ValueError, match=r"a\.zip: got the MD5 checksum .*remove the file"):
        fetch(server.url, path, md5=MD5, progress=False)


def test_no_server_and_no_file(tmp_path: Path, server: RangeServer) -> None:
    with pytest.raises(
        ValueError, match=r"none cannot be fetched \(.*404.*by other means as .*a\.z"
    ):
        fetch(f"{server.url}/none", tmp_path / "a.zip")
    with pytest.raises(ValueError, match=r"cannot be fetched"):
        fetch("http://127.0.0.1:1/a", tmp_path / "a.zip")


def test_no_space(tmp_path: Path, server: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 10

    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: Full)
    with pytest.raises(ValueError, match=r"has 0\.00 GiB of free space"):
        fetch(server.url, tmp_path / "a.zip", progress=False)
