import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from avalanche_seg.datasets import MaskStatistics, Split, mask_scan, mask_statistics
from avalanche_seg.datasets.cache_folder import cache_folder
from avalanche_seg.datasets.contents import file_states
from tests.datasets.ants import small_split
from tests.devkits import write_image, write_mask


@pytest.fixture
def samples(tmp_path: Path) -> Split:
    return small_split(tmp_path)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache" / "new"))
    return tmp_path / "cache" / "new"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of every mask that was read."""
    done: list[str] = []
    read = mask_scan.mask_content

    def counted(path: Path) -> tuple[bytes, NDArray[np.uint8]]:
        done.append(path.stem)
        return read(path)

    monkeypatch.setattr(mask_scan, "mask_content", counted)
    return done


def _index(samples: Split) -> MaskStatistics:
    return mask_statistics(samples, n_values=4, progress=False)


def test_counts_by_hand(samples: Split) -> None:
    index = _index(samples)
    assert index.counts.dtype == np.int64
    assert index.counts.shape == (3, 256)
    assert index.counts[:, [0, 1, 2, 3, 255]].tolist() == [
        [1, 2, 2, 0, 1],
        [1, 0, 0, 4, 1],
        [1, 0, 0, 0, 0],
    ]
    assert index.counts.sum(axis=1).tolist() == [6, 6, 1]
    assert index.presence.dtype == bool
    assert [np.flatnonzero(row).tolist() for row in index.presence] == [
        [0, 1, 2, 255],
        [0, 3, 255],
        [0],
    ]


def test_a_second_call_reads_no_mask(samples: Split, cache: Path, reads: list[str]) -> None:
    first = _index(samples)
    assert [path.name for path in cache.iterdir()] == [f"{file_states(samples)}.npz"]
    assert sorted(reads) == ["a", "b", "c"]
    second = _index(samples)
    assert len(reads) == 3
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.counts, first.counts)


def _touch(samples: Split, kind: str) -> None:
    path = getattr(samples, kind)[1]
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


def _rewrite_mask(samples: Split) -> None:
    write_mask(samples.masks[1], [[0, 0], [0, 0], [0, 2]])
    _touch(samples, "masks")


def _rewrite_image(samples: Split) -> None:
    write_image(samples.images[1], (3, 2), level=77)
    _touch(samples, "images")


CHANGES: list[tuple[Callable[[Split], None], int, bool]] = [
    (_rewrite_mask, 5, False),
    (_rewrite_image, 1, False),
    (lambda samples: _touch(samples, "masks"), 1, True),
    (lambda samples: _touch(samples, "images"), 1, True),
]


@pytest.mark.parametrize(("change", "background", "same_contents"), CHANGES)
def test_a_changed_file_rebuilds(
    samples: Split,
    reads: list[str],
    change: Callable[[Split], None],
    background: int,
    same_contents: bool,
) -> None:
    before = _index(samples)
    change(samples)
    after = _index(samples)
    assert len(reads) == 6
    assert (after.fingerprint == before.fingerprint) == same_contents
    assert after.counts[1, 0] == background
    _index(samples)
    assert len(reads) == 6


def _in_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _another_in_its_place(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


def _another_folder_in_its_place(path: Path, content: bytes) -> None:
    other = path.parent.with_name("other")
    shutil.copytree(path.parent, other, copy_function=shutil.copy2)
    (other / path.name).write_bytes(content)
    shutil.rmtree(path.parent)
    other.rename(path.parent)


@pytest.mark.parametrize("kind", ["images", "masks"])
@pytest.mark.parametrize("write", [_in_place, _another_in_its_place, _another_folder_in_its_place])
def test_other_contents_of_the_same_size_and_date_are_noticed(
    samples: Split, kind: str, write: Callable[[Path, bytes], None]
) -> None:
    # As archives and layers of containers with fixed dates leave files.
    fixed = (315532800, 315532800)
    files = getattr(samples, kind)
    for path in (*samples.images, *samples.masks):
        os.utime(path, fixed)
    before = _index(samples)
    if kind == "images":
        content = bytearray(files[1].read_bytes())
        content[-3] ^= 1
    else:
        write_mask(samples.root / "new.png", [[1, 1], [1, 1], [0, 255]])
        content = bytearray((samples.root / "new.png").read_bytes())
        assert len(content) == files[1].stat().st_size
    write(files[1], bytes(content))
    os.utime(files[1], fixed)
    after = _index(samples)
    assert after.fingerprint != before.fingerprint
    changed = before.digests != after.digests
    assert np.argwhere(changed).tolist() == [[1, 0 if kind == "images" else 1]]
    assert (before.counts[1].tolist() != after.counts[1].tolist()) == (kind == "masks")


def test_file_systems_without_times_are_looked_at(
    samples: Split, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[
        "avalanche_seg.datasets.mask_statistics"
    ]  # The face has a function of its name.
    monkeypatch.setattr(module, "file_states", lambda split: "always the same")
    before = _index(samples)
    assert len(reads) == 3 and _index(samples).fingerprint == before.fingerprint
    assert len(reads) == 3
    for change in (_rewrite_mask, _rewrite_image):
        change(samples)
        after = _index(samples)
        assert after.fingerprint != before.fingerprint
        before = after
    assert len(reads) == 9


@pytest.mark.parametrize("n_samples", [1, 15, 16, 17, 100])
def test_samples_of_the_whole_list_are_looked_at(
    samples: Split, monkeypatch: pytest.MonkeyPatch, n_samples: int
) -> None:
    many = Split(
        samples.root, "many", samples.images[:1] * n_samples, samples.masks[:1] * n_samples
    )
    _index(many)
    read: list[str] = []
    module = sys.modules["avalanche_seg.datasets.mask_statistics"]
    digest = module.content_digest
    monkeypatch.setattr(module, "content_digest", lambda c: read.append("") or digest(c))
    _index(many)
    assert min(n_samples, 9) <= len(read) // 2 <= 16


def test_files_that_change_while_they_are_read_are_not_cached(
    samples: Split, cache: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = mask_scan.mask_content

    def touched(path: Path) -> tuple[bytes, NDArray[np.uint8]]:
        _touch(samples, "images")
        return read(path)

    monkeypatch.setattr(mask_scan, "mask_content", touched)
    _index(samples)
    assert not cache.exists()


def test_fingerprint_is_of_the_contents_in_their_order_wherever_they_lie(
    samples: Split, tmp_path: Path
) -> None:
    shorter = Split(samples.root, "train", samples.images[:2], samples.masks[:2])
    turned = Split(samples.root, "train", samples.images[::-1], samples.masks[::-1])
    other_name = Split(samples.root, "val", samples.images, samples.masks)
    digests = [_index(s).fingerprint for s in (samples, shorter, turned)]
    assert len(set(digests)) == 3
    assert _index(other_name).fingerprint == digests[0]
    elsewhere = small_split(tmp_path / "elsewhere")
    assert _index(elsewhere).fingerprint == digests[0]


def test_turned_images_are_counted_in_a_warning_at_every_start(samples: Split) -> None:
    _index(samples)
    for position, orientation in ((1, 6), (2, 3)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = samples.images[position]
        size = (3, 2) if position == 1 else (1, 1)  # Upright 2 x 3.
        Image.new("RGB", size).save(path, exif=exif)
    text = (
        rf"2 of the 3 images of {re.escape(str(samples.root))}/train have an EXIF orientation "
        rf"other than 1, such as {re.escape(str(samples.images[1]))} \(6\); .*upright"
    )
    for _ in range(2):
        with pytest.warns(UserWarning, match=text):
            assert _index(samples).orientations.tolist() == [1, 6, 3]


def test_a_home_folder_in_the_cache_folders_name(
    samples: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", "~/kept")
    _index(samples)
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("AVALANCHE_SEG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "avalanche_seg"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "avalanche_seg"


def test_devkit_is_left_alone(samples: Split) -> None:
    before = {path: path.stat().st_mtime_ns for path in samples.root.rglob("*")}
    _index(samples)
    assert {path: path.stat().st_mtime_ns for path in samples.root.rglob("*")} == before
