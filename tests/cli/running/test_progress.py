"""What a run needed, over all the times it was resumed."""

import pytest

from avalanche_seg.cli.running import progress
from avalanche_seg.cli.running.progress import PeakMemory, Progress


@pytest.fixture
def peaks(monkeypatch):
    """What the system tells, for a test to change."""
    told = {"resident": 5}
    monkeypatch.setattr(progress, "peak_memory", lambda device: dict(told))
    return told


def test_a_resumed_run_has_the_largest_peak_of_all_its_parts(peaks):
    first = PeakMemory()
    first.measure()
    assert first.peaks == {"resident": 5}
    peaks["resident"] = 9
    saved = first.state_dict()
    assert saved == {"resident": 9}, "also without a measure, as when a run is stopped"
    peaks["resident"] = 4
    then = PeakMemory()
    then.load_state_dict(saved)
    then.measure()
    assert then.peaks == {"resident": 9}
    peaks["resident"] = 11
    assert then.state_dict() == {"resident": 11}


def test_kinds_are_kept_apart_when_a_run_moves_to_a_gpu(peaks):
    peaks["gpu"] = 3
    memory = PeakMemory()
    memory.load_state_dict({"resident": 8})
    memory.measure()
    assert memory.peaks == {"resident": 8, "gpu": 3}


def test_of_several_processes_the_largest_counts(peaks, monkeypatch):
    monkeypatch.setattr(progress, "least_of_ranks", lambda number: min(number, -70))
    memory = PeakMemory()
    memory.measure()
    assert memory.peaks == {"resident": 70}


def test_a_state_of_the_step_holds_all_parts():
    parts = Progress().by_name()
    assert list(parts) == ["report", "stopwatch", "memory"]
    again = Progress().by_name()
    for name, part in parts.items():
        again[name].load_state_dict(part.state_dict())
