"""Suites that take seconds."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from avalanche_seg.cli.suites.jobs import Job
from avalanche_seg.cli.suites.plan import Plan, make_plan
from avalanche_seg.cli.suites.scheduler import Scheduler, State
from avalanche_seg.cli.suites.suite_file import make_suite
from tests.cli.commands import digest

ROOT = Path(__file__).parents[3]


def content(devkit: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "table", "dataset": "voc", "data_root": str(devkit), "overlap": True,
        "no_pretrained": True, "epochs": 2, "batch_size": 8, "crop_size": 32,
        "backbone": "resnet18", "random_seed": 3, "sample_num": 0, "loggers": "none",
    } | more  # fmt: skip


def plan_of(devkit: Path, logdir: Path, **more: Any) -> Plan:
    return make_plan(make_suite(content(devkit, **more)), logdir)


def work(plan: Plan, *, note: Callable[[str], None] = print, places: int = 1) -> dict[str, State]:
    """Work a plan off in this process; states by the name of their job."""
    scheduler = Scheduler(plan, places, 1, [], note, lambda states: None)
    scheduler.work()
    return {state.job.name: state for state in scheduler.states}


def run_alone(command: Sequence[str]) -> None:
    """``avalanche-seg run`` in a process of its own, which no test has touched."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "avalanche_seg.cli.main", "run", *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def weights(plan: Plan) -> dict[str, str]:
    """The model of the last step of every run."""
    return {job.name: digest(job.model) for job in plan.runs}


def pretend_finished(job: Job) -> None:
    """Write what tells that a job is finished, and train nothing."""
    job.model.parent.mkdir(parents=True)
    job.model.touch()
    steps = [{"step": step} for step in job.iterations]
    (job.folder / "results.json").write_text(json.dumps({"steps": steps}))


def later(condition: Callable[[], bool], action: Callable[[], object]) -> None:
    """Do something in the background once a condition holds."""

    def wait() -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if condition():
                action()
                return
            time.sleep(0.02)

    threading.Thread(target=wait, daemon=True).start()
