"""Going on with other threads, processes or devices is said and recorded."""

import warnings
from types import SimpleNamespace

import pytest
import torch

from avalanche_seg.plugins import read_state
from avalanche_seg.plugins.checkpoint.arithmetic import ArithmeticLog, arithmetic
from avalanche_seg.strategies import FineTuning
from tests.plugins.checkpoint.test_plugin import BrokenOffError, train
from tests.tiny import tiny_benchmark

CPU = torch.device("cpu")


def at_step(step):
    return SimpleNamespace(experience=SimpleNamespace(current_experience=step), device=CPU)


@pytest.fixture
def benchmark(tmp_path):
    return tiny_benchmark(tmp_path / "data")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"threads": 99}, f"threads 99 to {torch.get_num_threads()}"),
        ({"processes": 4}, "processes 4 to 1"),
        ({"device": "cuda"}, "device cuda to cpu"),
        ({"torch": "1.0"}, "torch 1.0 to 2"),
        ({"amp": "bf16"}, "amp bf16 to off"),
        ({"threads": 99, "processes": 2}, r"threads 99 to \d+, processes 2 to 1"),
    ],
)
def test_a_change_is_warned_of_and_recorded(tmp_path, change, told):
    log, before = ArithmeticLog(), {"step": 0, "epoch": 0, **arithmetic(CPU), **change}
    with pytest.warns(UserWarning, match=rf"x\.pt goes on with other arithmetic \({told}"):
        log.go_on([before], at_step(1), tmp_path / "x.pt")
    log.note(at_step(1), 3)
    log.note(at_step(1), 4)
    assert log.entries == [before, {"step": 1, "epoch": 3, **arithmetic(CPU)}]


def test_without_a_change_nothing_is_said(tmp_path):
    log = ArithmeticLog()
    log.note(at_step(0), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for saved in (log.entries, []):  # States of earlier versions tell nothing.
            ArithmeticLog().go_on(saved, at_step(0), tmp_path / "x.pt")


def test_a_training_that_goes_on_with_other_threads_says_so(benchmark, tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    with pytest.raises(BrokenOffError):
        train(FineTuning, benchmark, path, break_at=5)
    assert [entry["step"] for entry in read_state(path)["arithmetic"]] == [0]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    with pytest.warns(UserWarning, match=r"threads \d+ to 77"):
        train(FineTuning, benchmark, path)
    first, second = read_state(path)["arithmetic"]
    assert (second["threads"], second["step"]) == (77, 0) and first["threads"] != 77


def test_the_precision_that_a_device_chose_is_recorded():
    strategy, log = at_step(0), ArithmeticLog()
    strategy.precision = SimpleNamespace(amp="bf16")
    log.note(strategy, 0)
    assert log.entries == [{"step": 0, "epoch": 0, **arithmetic(CPU, "bf16")}]
