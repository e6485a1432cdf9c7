"""Signals, threads, and loading processes that are lost."""

import os
import signal
import sys
import threading
from types import SimpleNamespace

import pytest

from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.running.processes import graceful_shutdown, quiet_threads
from avalanche_seg.plugins import CheckpointPlugin
from avalanche_seg.strategies import FineTuning
from tests.cli.commands import digest, small


def in_a_thread(work):
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results


def test_outside_the_main_thread_a_run_is_the_same(devkit, tmp_path):
    def flags(name):
        return small(devkit, tmp_path, "--method", "FT", "--step", "0", "--name", name)

    assert in_a_thread(lambda: main(flags("thread"))) == [0]
    assert main(flags("main")) == 0
    model = "models/step0.safetensors"
    assert digest(tmp_path / "thread" / model) == digest(tmp_path / "main" / model)


def test_outside_the_main_thread_a_refusal_leaves_no_folder(devkit, tmp_path):
    flags = small(devkit, tmp_path / "logs", "--task", "15-6s")
    assert in_a_thread(lambda: main(flags)) == [2]
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_to_stop_unless_all_is_trained(capsys, number):
    before = signal.getsignal(number)
    checkpoint = SimpleNamespace(stop=False)
    with graceful_shutdown(checkpoint):
        os.kill(os.getpid(), number)
        assert checkpoint.stop
    assert "stopping after this iteration" in capsys.readouterr().err
    checkpoint = SimpleNamespace(stop=False)
    with graceful_shutdown(checkpoint) as shutdown:
        shutdown.trained = True
        os.kill(os.getpid(), number)
        assert not checkpoint.stop
    assert "nothing is left to do but the last measures" in capsys.readouterr().err
    assert signal.getsignal(number) is before


def test_a_second_signal_later_stops_at_once(monkeypatch):
    clock = iter([10.0, 10.5, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt), graceful_shutdown(SimpleNamespace(stop=False)):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # Half a second later: the same preemption.
        os.kill(os.getpid(), signal.SIGTERM)


class Evaluated(FineTuning):
    """Asks for an end while it evaluates a step, and counts what is evaluated after that."""

    at = 0
    batches = 0

    def eval_epoch(self, **kwargs):
        if self.experience.current_experience == type(self).at:
            os.kill(os.getpid(), signal.SIGTERM)
        super().eval_epoch(**kwargs)

    def _after_eval_iteration(self, **kwargs):
        type(self).batches += 1
        super()._after_eval_iteration(**kwargs)


@pytest.mark.parametrize(("at", "code", "n_batches"), [(0, 130, 1), (1, 0, 9)])
def test_a_signal_in_an_evaluation(devkit, tmp_path, monkeypatch, capsys, at, code, n_batches):
    monkeypatch.setattr("avalanche_seg.cli.running.assembly.METHODS", {"FT": Evaluated})
    monkeypatch.setattr(Evaluated, "at", at)
    monkeypatch.setattr(Evaluated, "batches", 0)
    flags = small(devkit, tmp_path, "--method", "FT", "--overlap", "--name", "a")
    flags += ["--batch_size", "4"]
    assert main(flags) == code
    assert Evaluated.batches == n_batches
    told = capsys.readouterr().err
    if code == 0:
        assert "nothing is left to do" in told
        return
    assert "stopped; the state is in" in told and "--resume goes on" in told
    monkeypatch.setattr(Evaluated, "at", -1)
    assert main([*flags, "--resume"]) == 0


def test_a_stop_in_an_evaluation_before_anything_is_saved(tmp_path):
    checkpoint = CheckpointPlugin(tmp_path / "state.pt")
    strategy = SimpleNamespace(dataloader=[1, 2], device="cpu")
    checkpoint.before_eval_exp(strategy)
    checkpoint.after_eval_iteration(strategy)
    checkpoint.stop = True
    with pytest.raises(KeyboardInterrupt, match="nothing was to be saved"):
        checkpoint.after_eval_iteration(strategy)


class Loses(FineTuning):
    """Loses its loading process at the first batch."""

    def training_epoch(self, **kwargs):
        if self.clock.train_exp_epochs == 1:
            batches = iter(self.dataloader)
            next(batches)
            os.kill(batches._workers[0].pid, signal.SIGKILL)
            for _ in range(100):
                next(batches, None)
                batches = iter(self.dataloader)
        super().training_epoch(**kwargs)


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
def test_a_lost_loading_process_is_one_line_and_the_run_goes_on(
    devkit, tmp_path, monkeypatch, capsys
):
    def flags(name):
        more = ["--method", "FT", "--step", "0", "--epochs", "2", "--num_workers", "1"]
        return small(devkit, tmp_path, *more, "--name", name)

    assert main(flags("whole")) == 0
    with monkeypatch.context() as patch:
        patch.setattr("avalanche_seg.cli.running.assembly.METHODS", {"FT": Loses})
        assert main(flags("lost")) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: a process that loads data was lost")
    assert main([*flags("lost"), "--resume"]) == 0
    model = "models/step0.safetensors"
    assert digest(tmp_path / "lost" / model) == digest(tmp_path / "whole" / model)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("x")])
def test_a_thread_that_cannot_write_prints_one_line(monkeypatch, capsys, error):
    seen = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def fail():
        raise error

    with quiet_threads():
        in_a_thread(fail)
    told = capsys.readouterr().err
    if isinstance(error, OSError):
        assert not seen and told.count("\n") == 2
        assert "warning: a log is no longer written" in told and "No space" in told
    else:
        assert len(seen) == 1 and not told
