import pickle
import subprocess
import sys

import pytest
import torch

from avalanche_seg.plugins import CheckpointPlugin, read_state, write_state
from avalanche_seg.plugins.checkpoint.state_file import previous_of

STATE = {"weights": {"a": torch.arange(4.0)}, "n": 3, "names": ["x"], "none": None, "pair": (1, 2)}


def test_round_trip_and_the_state_before_is_kept(tmp_path):
    path = tmp_path / "state.pt"
    assert read_state(path) is None
    write_state(path, STATE)
    write_state(path, {"n": 4})
    assert read_state(path)["n"] == 4
    earlier = read_state(previous_of(path))
    assert earlier["n"] == 3 and earlier["pair"] == (1, 2)
    assert earlier["weights"]["a"].equal(STATE["weights"]["a"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.previous.pt", "state.pt"]


def test_the_previous_one_can_be_dropped_and_left_overs_of_a_kill_go(tmp_path):
    path = tmp_path / "state.pt"
    (tmp_path / f"state.pt.{2**31 - 1}.tmp").write_bytes(b"half")
    for n in (1, 2):
        write_state(path, {"n": n}, keep_previous=False)
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_cut_file_is_named_and_the_one_before_is_used(tmp_path, kept):
    path = tmp_path / "state.pt"
    for n in (1, 2):
        write_state(path, {"n": n, "weights": torch.zeros(1000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.warns(UserWarning, match=r"state\.pt is cut off.*going on from.*previous"):
        assert read_state(path)["n"] == 1
    for file in (path, previous_of(path)):
        file.write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"state\.pt is cut off.*state\.previous\.pt is cut off"):
        read_state(path)


def test_a_flipped_bit_is_found_and_the_damaged_file_moved_aside(tmp_path):
    path = tmp_path / "state.pt"
    for n in (1, 2):
        write_state(path, {"n": n, "weights": torch.zeros(1000)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="checksum"):
        assert read_state(path)["n"] == 1
    write_state(path, {"n": 3})
    assert read_state(path)["n"] == 3 and read_state(previous_of(path))["n"] == 1
    assert (tmp_path / "state.damaged.pt").read_bytes() == content


def test_killed_between_two_renames_the_one_before_is_there(tmp_path):
    path = tmp_path / "state.pt"
    write_state(path, {"n": 1})
    path.rename(previous_of(path))
    assert read_state(path)["n"] == 1


class Payload:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return open, (str(self.victim), "w")


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_payload_is_refused_and_not_run(tmp_path, writer):
    path, victim = tmp_path / "state.pt", tmp_path / "victim"
    content = {"format": "avalanche_seg state 1", "n": Payload(victim)}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"state\.pt is cut off, damaged or foreign") as refused:
        read_state(path)
    assert not victim.exists()
    assert "weights_only" not in str(refused.value) and "arbitrary" not in str(refused.value)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "state.pt"
    torch.save({"model": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="no state of this package"):
        read_state(path)


@pytest.mark.parametrize("content", [{}, {"step": 0}, {"step": 0, "plugins": {}, "report": {}}])
def test_a_state_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "state.pt"
    write_state(path, content)
    assert read_state(path, parts=list(content)) is not None
    with pytest.raises(ValueError, match=r"state\.pt is a state of another kind: .* no .*model"):
        read_state(path, parts=["step", "model"])
    with pytest.raises(ValueError, match="is a state of another kind: it has no settings"):
        CheckpointPlugin(path).remaining(None, [])


def test_a_full_disk_leaves_what_was_saved(tmp_path):
    """The writer may write 100 kB a file, then the system refuses as a full disk does."""
    path = tmp_path / "state.pt"
    write_state(path, {"n": 1})
    script = (
        "import resource, signal, sys, torch\n"
        "from pathlib import Path\n"
        "from avalanche_seg.plugins.checkpoint.state_file import write_state\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    write_state(Path(sys.argv[1]), {'n': 2, 'weights': torch.zeros(100_000)})\n"
        "except OSError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "refused" in done.stderr, done.stderr
    assert read_state(path)["n"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]
