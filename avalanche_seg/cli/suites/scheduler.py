"""Working a plan off: several jobs at a time, past those that fail, beside other workers."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from avalanche_seg.cli.failures import INTERRUPTED
from avalanche_seg.cli.suites.jobs import Job
from avalanche_seg.cli.suites.plan import Plan
from avalanche_seg.cli.suites.shared_step import damage, set_aside
from avalanche_seg.cli.suites.worker import last_words, process_context, run_job

__all__ = ["FAILURES", "LOGS", "Scheduler", "State"]

LOGS = "logs"
"""Folder of a suite, with what every job printed."""
FAILURES = "failures"
"""Folder of a suite, with the reason of every job that failed last."""

_POLL = 0.5  # Seconds between two looks at what others do.
_TRIES = 2  # Of a job whose process was killed.


@dataclass
class State:
    """Where a job is.

    Attributes:
        job: the job.
        told: "waiting", "running", "elsewhere" (another process has it), "finished", "failed", or
            "blocked" (the first step that it needs failed).
        why: of a failure.
        where: of a job that runs, its place here or the process that has it.
        process: of a job that runs here.
        started: when, by the clock of :func:`time.monotonic`.
        log_size: bytes of the job's log before the process.
    """

    job: Job
    told: str = "waiting"
    why: str = ""
    where: str = ""
    process: Any = None
    started: float = 0.0
    log_size: int = 0
    tries: int = 0


@dataclass
class Scheduler:
    """Starts a job wherever there is a place for one, until nothing is left to do.

    Several schedulers may work at one plan, on machines that share its folder: a job belongs to the
    process that holds its folder, and to another one as soon as that is dead.

    Args:
        plan: what is to be done.
        places: jobs at a time.
        threads: of every job.
        gpus: one job at a time sees one of them; none leaves the choice to the runs.
        note: gets one line about everything that happens.
        show: gets all states, twice a second.
    """

    plan: Plan
    places: int
    threads: int
    gpus: list[str]
    note: Callable[[str], None]
    show: Callable[[list[State]], None]
    states: list[State] = field(init=False)

    def __post_init__(self) -> None:
        self.states = [State(job) for job in self.plan.jobs]
        self._of = {state.job: state for state in self.states}
        self._context = process_context()
        self._began = time.time()
        self._stopping = False

    def work(self) -> None:
        """Work until every job is finished, failed or blocked.

        Raises:
            KeyboardInterrupt: when it was interrupted, after every job has saved its state.
        """
        for folder in (LOGS, FAILURES):
            (self.plan.folder / folder).mkdir(parents=True, exist_ok=True)
        try:
            while self._step():
                pass
        except (KeyboardInterrupt, SystemExit):  # The latter from a cluster's signal.
            self._stop()
            raise
        finally:
            for state in self.states:
                if state.process is not None:
                    state.process.kill()

    def _step(self) -> bool:
        """One round; False when nothing is left."""
        for state in self.states:
            self._look(state)
        self._start()
        self.show(self.states)
        running = [state for state in self.states if state.process is not None]
        if not running and all(s.told in ("finished", "failed", "blocked") for s in self.states):
            return False
        wait([state.process.sentinel for state in running], timeout=_POLL)
        if not running:  # Waiting for others.
            time.sleep(_POLL)
        return True

    def _look(self, state: State) -> None:
        """Find out what became of a job."""
        if state.process is not None:
            if state.process.is_alive():
                return
            self._ended(state)
        if state.told not in ("waiting", "elsewhere"):
            return
        job, before = state.job, state.told
        if self._is_sound(state) if job.is_first_step else job.finished:
            state.told, state.where = "finished", ""
            if before == "elsewhere":
                self.note(f"{job.name}: finished elsewhere")
            return
        holder = job.holder
        if holder is not None:
            state.told, state.where = "elsewhere", f"{holder['host']}, process {holder['pid']}"
            if before != "elsewhere":
                self.note(f"{job.name}: runs elsewhere ({state.where})")
        elif (why := self._failed_elsewhere(job)) is not None:
            state.told, state.why = "failed", why
        elif job.first_step is not None and self._of[job.first_step].told in ("failed", "blocked"):
            state.told, state.why = "blocked", f"needs {job.first_step.name}, which failed"
        else:
            state.told, state.where = "waiting", ""

    def _is_sound(self, state: State) -> bool:
        """Whether a first step can be read by the runs that need it; else it is trained again."""
        job = state.job
        if not self.plan.is_needed(job):
            return True
        if not job.finished:
            return False
        reason = damage(job)
        if reason is None:
            return True
        if job.holder is None:
            self.note(f"{job.name}: {reason}; it is trained again")
            set_aside(job)
        job.again()
        return False

    def _start(self) -> None:
        """Fill free places with what can begin."""
        taken = {state.where for state in self.states if state.process is not None}
        free = [name for name in map(str, range(self.places)) if f"place {name}" not in taken]
        for state in self.states:
            if not free or self._stopping:
                return
            job = state.job
            ready = job.first_step is None or self._of[job.first_step].told == "finished"
            if state.told != "waiting" or not ready:
                continue
            place = free.pop(0)
            gpu = self.gpus[int(place) % len(self.gpus)] if self.gpus else None
            log = self.log(job)
            state.log_size = log.stat().st_size if log.exists() else 0
            process = self._context.Process(  # type: ignore[attr-defined]
                target=run_job,
                args=(job.command, job.folder, log, self.threads, gpu),
                name=job.name,
            )
            process.start()
            state.process = process
            state.told, state.where = "running", f"place {place}"
            state.started, state.tries = time.monotonic(), state.tries + 1
            self.note(f"{job.name}: started in {state.where}" + (f", GPU {gpu}" if gpu else ""))

    def _ended(self, state: State) -> None:
        """Tell a job that is done from one that failed, was killed, or is another process's."""
        job, process = state.job, state.process
        code = process.exitcode
        process.close()
        state.process, state.where = None, ""
        seconds = time.monotonic() - state.started
        job.again()
        if job.finished:  # By whomever: of two workers that begin at once one finds it held.
            state.told = "finished"
            self._failure(job).unlink(missing_ok=True)
            self.note(f"{job.name}: finished after {seconds:.0f} s")
        elif code == INTERRUPTED and self._stopping:
            state.told = "waiting"
        elif job.holder is not None:  # Another worker was faster.
            state.told = "elsewhere"
        elif code is not None and code < 0 and state.tries < _TRIES:
            state.told = "waiting"
            self.note(f"{job.name}: killed by signal {-code}; going on from its last saved state")
        else:
            state.told, state.why = "failed", self._reason(state, code)
            self.note(f"{job.name}: failed after {seconds:.0f} s: {state.why}")
            with suppress(OSError):  # Of a full disk.
                self._failure(job).write_text(state.why + "\n", encoding="utf-8")

    def _reason(self, state: State, code: int | None) -> str:
        if code is not None and code < 0:
            return f"its process was killed by signal {-code}, {_TRIES} times"
        log = self.log(state.job)
        return last_words(log, state.log_size) or (
            f"its process ended with exit code {code} before it wrote anything to {log}"
        )

    def _failed_elsewhere(self, job: Job) -> str | None:
        """Why another worker of these hours failed at a job."""
        path = self._failure(job)
        try:
            late = path.stat().st_mtime > self._began
            return path.read_text(encoding="utf-8").strip() if late else None
        except OSError:
            return None

    def _failure(self, job: Job) -> Path:
        return self.plan.folder / FAILURES / f"{job.name}.txt"

    def log(self, job: Job) -> Path:
        """Where a job's output goes."""
        return self.plan.folder / LOGS / f"{job.name}.log"

    def _stop(self) -> None:
        """Let every job save its state; a second interruption does not wait."""
        self._stopping = True
        running = [state for state in self.states if state.process is not None]
        self.note(f"stopping: {len(running)} jobs save their state; once more to stop at once")
        for state in running:
            if state.process.is_alive():
                os.kill(state.process.pid, signal.SIGTERM)
        for state in running:
            state.process.join()
            self._ended(state)
