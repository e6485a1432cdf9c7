import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avalanche_seg.datasets import Split, mask_scan, mask_statistics
from avalanche_seg.datasets.mask_statistics import MaskStatistics, cache_folder, fingerprint
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
    read = mask_scan.read_label_map

    def counted(path: Path) -> NDArray[np.uint8]:
        done.append(path.stem)
        return read(path)

    monkeypatch.setattr(mask_scan, "read_label_map", counted)
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
    assert [path.name for path in cache.iterdir()] == [f"{first.fingerprint}.npz"]
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


CHANGES: list[tuple[Callable[[Split], None], int]] = [
    (_rewrite_mask, 5),
    (_rewrite_image, 1),
    (lambda samples: _touch(samples, "masks"), 1),
    (lambda samples: _touch(samples, "images"), 1),
]


@pytest.mark.parametrize(("change", "background"), CHANGES)
def test_a_changed_file_rebuilds(
    samples: Split, reads: list[str], change: Callable[[Split], None], background: int
) -> None:
    before = _index(samples)
    change(samples)
    after = _index(samples)
    assert len(reads) == 6
    assert after.fingerprint != before.fingerprint
    assert after.counts[1, 0] == background
    _index(samples)
    assert len(reads) == 6


def test_fingerprint_depends_on_the_list_and_its_order(samples: Split) -> None:
    shorter = Split(samples.root, "train", samples.images[:2], samples.masks[:2])
    turned = Split(samples.root, "train", samples.images[::-1], samples.masks[::-1])
    other_name = Split(samples.root, "val", samples.images, samples.masks)
    digests = [fingerprint(s) for s in (samples, shorter, turned)]
    assert len(set(digests)) == 3
    assert fingerprint(other_name) == digests[0]


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
