"""The process of one job: ``avalanche-seg run`` with its output in a log file."""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from avalanche_seg.cli.suites.jobs import STATUS_FILE
from avalanche_seg.plugins import SegmentationPlugin
from avalanche_seg.system import atomic_write

__all__ = ["StatusPlugin", "last_words", "process_context", "run_job"]

_EVERY = 2.0  # Seconds between two writings of how far a job is.


class StatusPlugin(SegmentationPlugin):
    """Writes how far a training is, for those who watch from other processes or machines.

    Args:
        path: a JSON file: step, epoch and iteration, the last counted from the step's beginning.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._written = -_EVERY

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Write, every other second."""
        now = time.monotonic()
        if now - self._written < _EVERY:
            return
        self._written = now
        clock = strategy.clock
        status = {
            "step": strategy.experience.current_experience,
            "epoch": clock.train_exp_epochs,
            "iteration": clock.train_exp_iterations + 1,
        }
        # Whoever reads may do without; a full disk is found out by what must be written.
        with suppress(OSError), atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps(status) + "\n", encoding="utf-8")


def process_context() -> BaseContext:
    """How the processes of jobs are started: forked off one that has imported everything.

    No job inherits a state of another one's, and none imports torch anew.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["avalanche_seg.cli.running.command"])
    return context


def run_job(command: Sequence[str], folder: Path, log: Path, threads: int, gpu: str | None) -> None:
    """Run a job in this process, which ends with the exit code of ``avalanche-seg run``.

    A run that is finished keeps its last state, and not the one before it.

    Args:
        command: the arguments of ``avalanche-seg run``.
        folder: of the run.
        log: what the run prints goes there, after what is in it.
        threads: that torch computes with.
        gpu: the only one that it sees; None for all.

    Raises:
        SystemExit: always, with that code.
        OSError: when the log cannot be written.
    """
    # It would start the workers of its loaders as it was started, and each would import everything.
    multiprocessing.set_start_method(None, force=True)
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # Before anything asks for GPUs.
    import torch

    from avalanche_seg.cli.running.command import main
    from avalanche_seg.system import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()
    with log.open("a", encoding="utf-8", buffering=1) as file:
        file.write(f"\n$ avalanche-seg run {' '.join(command)}\n")
        # Below Python too: what a library or a dying interpreter prints.
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
        with redirect_stdout(file), redirect_stderr(file):
            code = main(command, plugins=[StatusPlugin(folder / STATUS_FILE)])
    left = [folder / STATUS_FILE]
    if code == 0:  # The models and the last state stay; a hundred runs have a hundred of these.
        left.append(folder / "checkpoint.previous.pt")
    for path in left:
        with suppress(OSError):
            path.unlink()
    sys.exit(code)


def last_words(log: Path, start: int) -> str | None:
    """The last error in a log, or else its last line; None where nothing was written.

    Args:
        log: that need not exist.
        start: bytes of earlier calls.
    """
    try:
        text = log.read_bytes()[start:].decode("utf-8", "replace")
    except OSError:
        return None
    told = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in told if line.startswith("error: ")]
    return (errors or told)[-1].removeprefix("error: ") if told else None
