"""One process at a time in a folder."""

import json
import os
import time

import pytest

from avalanche_seg.system import FolderLock, folder_holder, remove_left_overs
from avalanche_seg.system.alive import this_process
from tests.distributed import FORKS

NOBODY = 2**31 - 1  # The number of no process.


def hold(folder, **change):
    """A lock as another process would have left it."""
    holder = this_process() | {"since": "2026-01-02T03:04:05+00:00", "token": "x"} | change
    (folder / "in_use.json").write_text(json.dumps(holder))


def test_a_held_folder_is_refused_by_name_and_free_afterwards(tmp_path):
    with FolderLock(tmp_path):
        told = json.loads((tmp_path / "in_use.json").read_text())
        assert (told["pid"], told["host"]) == (os.getpid(), os.uname().nodename)
        named = (
            rf"{tmp_path.name} is in use by process {os.getpid()} on .* since {told['since'][:4]}"
        )
        with pytest.raises(ValueError, match=named), FolderLock(tmp_path):
            pass
        assert json.loads((tmp_path / "in_use.json").read_text()) == told
    assert list(tmp_path.iterdir()) == []
    with FolderLock(tmp_path):
        pass


def test_an_error_inside_frees_it(tmp_path):
    with pytest.raises(KeyError), FolderLock(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"pid": NOBODY}, {"started": 1}])
def test_the_lock_of_a_dead_process_is_taken_over_at_once(tmp_path, change):
    hold(tmp_path, **change)
    with FolderLock(tmp_path):
        assert json.loads((tmp_path / "in_use.json").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"pid": 3}', b"\xff\x00"])
def test_a_lock_that_was_not_written_to_its_end_is_nobodys(tmp_path, content):
    (tmp_path / "in_use.json").write_bytes(content)
    with FolderLock(tmp_path):
        pass


@pytest.mark.parametrize("change", [{"host": "other"}, {"namespace": "pid:[1]"}])
def test_another_machines_lock_holds_while_it_gives_signs_of_life(tmp_path, change):
    hold(tmp_path, **change)
    with pytest.raises(ValueError, match="is in use by process"), FolderLock(tmp_path):
        pass
    long_ago = time.time() - 100
    os.utime(tmp_path / "in_use.json", (long_ago, long_ago))
    with FolderLock(tmp_path):
        pass


def test_a_holder_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr("avalanche_seg.system.folder_lock._BEAT", 0.01)
    with FolderLock(tmp_path) as lock:
        os.utime(lock.path, (1, 1))
        end = time.time() + 20
        while lock.path.stat().st_mtime < 2 and time.time() < end:
            time.sleep(0.01)
        assert lock.path.stat().st_mtime > 2


def test_what_another_took_over_is_not_freed(tmp_path):
    with FolderLock(tmp_path):
        hold(tmp_path, host="other")
    assert json.loads((tmp_path / "in_use.json").read_text())["host"] == "other"


def compete(folder, barrier, results):
    barrier.wait(60)
    try:
        with FolderLock(folder):
            results.put("in")
            barrier.wait(60)  # Until all have tried.
    except ValueError:
        results.put("refused")
        barrier.wait(60)


@pytest.mark.parametrize("stale", [False, True])
def test_of_several_at_once_one_gets_in(tmp_path, stale):
    if stale:
        hold(tmp_path, pid=NOBODY)
    results, barrier = FORKS.Queue(), FORKS.Barrier(6)
    arguments = (tmp_path, barrier, results)
    processes = [FORKS.Process(target=compete, args=arguments) for _ in range(6)]
    for process in processes:
        process.start()
    found = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert found == ["in", *["refused"] * 5]


def test_left_overs_of_dead_processes_alone_are_removed(tmp_path):
    (tmp_path / "inner").mkdir()
    kept = [f"a.pt.{os.getpid()}.tmp", "a.pt.tmp", "a.tmp.pt", f"inner/a.pt.{NOBODY}.tmp"]
    gone = [f"a.pt.{NOBODY}.tmp", f"b.c.json.{NOBODY}.tmp"]
    for name in (*kept, *gone):
        (tmp_path / name).write_text("")
    assert remove_left_overs(tmp_path, "b*") == [tmp_path / gone[1]]
    assert remove_left_overs(tmp_path) == [tmp_path / gone[0]]
    assert all((tmp_path / name).exists() for name in kept)


def test_who_holds_a_folder_is_told_without_touching_it(tmp_path):
    assert folder_holder(tmp_path / "none") is None
    assert folder_holder(tmp_path) is None
    hold(tmp_path, pid=NOBODY)
    assert folder_holder(tmp_path) is None
    hold(tmp_path, host="other")
    assert folder_holder(tmp_path)["host"] == "other"
    silent = time.time() - 100
    os.utime(tmp_path / "in_use.json", (silent, silent))
    assert folder_holder(tmp_path) is None
    assert (tmp_path / "in_use.json").exists()
