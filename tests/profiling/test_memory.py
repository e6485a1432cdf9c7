import pytest
import torch

from profiling.memory import extra_memory


def ones(mebibytes):
    return torch.ones(mebibytes * 2**18, dtype=torch.float32)


def test_memory_is_what_the_call_touches():
    added = extra_memory(lambda: ones(50), warmup=lambda: ones(1))
    assert 49 * 2**20 <= added < 53 * 2**20


def test_memory_the_caller_holds_does_not_count():
    held = ones(50)
    assert extra_memory(lambda: float(held.sum()), warmup=lambda: ones(1).sum()) < 3 * 2**20


def test_the_peak_counts_not_what_is_left():
    added = extra_memory(lambda: float(ones(20).sum()), warmup=lambda: ones(1).sum())
    assert 19 * 2**20 <= added < 25 * 2**20


def test_a_failing_call_is_an_error(capfd):
    def fail():
        raise KeyError("missing")

    with pytest.raises(RuntimeError, match="failed in its own process"):
        extra_memory(fail)
    assert "missing" in capfd.readouterr().err
