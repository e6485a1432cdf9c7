import os
import time
from pathlib import Path

from avalanche_seg.datasets.cache_folder import lock_of, remove_leftovers
from avalanche_seg.system import file_lock

PIXELS = "12ab.pixels3.4711.tmp"
STATISTICS = "12ab.npz.4711.tmp"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_only_what_nobody_writes_is_removed(tmp_path: Path) -> None:
    whole = {"12ab.pixels3", "12ab.npz", "notes.tmp"}
    for name in (PIXELS, STATISTICS, *whole):
        (tmp_path / name).touch()
    with file_lock(lock_of(tmp_path / PIXELS)) as held:
        assert held
        remove_leftovers(tmp_path)
        assert PIXELS in names(tmp_path)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == {*whole, STATISTICS, "12ab.lock"}
    an_hour_ago = time.time() - 3600
    os.utime(tmp_path / STATISTICS, (an_hour_ago, an_hour_ago))
    remove_leftovers(tmp_path)
    assert names(tmp_path) == {*whole, "12ab.lock"}


def test_a_folder_that_is_missing_or_cannot_be_written_is_left_alone(
    tmp_path: Path,
) -> None:
    remove_leftovers(tmp_path / "none")
    (tmp_path / PIXELS).mkdir()  # Cannot be unlinked.
    remove_leftovers(tmp_path)
    assert PIXELS in names(tmp_path)
