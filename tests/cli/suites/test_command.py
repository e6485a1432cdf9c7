"""The command of suites as users type it, and workers that are killed."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avalanche_seg.cli.main import main
from avalanche_seg.cli.suites.command import SUITE_FILE, run_suite
from tests.cli.suites.suites import content, plan_of, weights, work

METHODS = ["FT", "MiB"]


def write(path: Path, settings: dict) -> Path:
    """A suite file of plain settings."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def suite(devkit, tmp_path):
    return write(tmp_path / "table.toml", content(devkit, method=METHODS))


def start(suite: Path, logdir: Path, *more: str, limit: int | None = None) -> subprocess.Popen:
    command = [sys.executable, "-m", "avalanche_seg.cli.main", "suite", str(suite)]
    if limit is not None:
        ask = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        run = "import sys; from avalanche_seg.cli.main import main; sys.exit(main(sys.argv[1:]))"
        command[1:] = ["-c", ask + run, *command[3:]]
    return subprocess.Popen(
        [*command, "--logdir", str(logdir), "--threads", "1", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, process) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_plan_alone(suite, tmp_path, capsys):
    assert main(["suite", str(suite), "--logdir", str(tmp_path / "runs"), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "2 runs, 1 shared first steps" in out
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.toml"], "none.toml cannot be read"),
        (["SUITE", "--jobs", "0"], "--jobs 0; expected one or more"),
        (["SUITE", "--only", "XYZ"], "--only XYZ: no run is called so"),
        (["SUITE", "--logdir", "SUITE"], "cannot be written (["),
        (["SUITE", "--submit", "2", "--submit_options", "x"], "expected KEY=VALUE"),
    ],
)
def test_bad_input_is_one_sentence(suite, tmp_path, capsys, arguments, told):
    given = [str(suite) if word == "SUITE" else word for word in arguments]
    assert main(["suite", "--logdir", str(tmp_path), *given]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert told in error


def test_a_job_that_imports_a_script_without_its_guard_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(SystemExit):
        run_suite({"method": "FT"})
    assert "call run_suite under if __name__ ==" in capsys.readouterr().err


def test_killed_suites_go_on_to_the_weights_of_one_that_was_never_killed(suite, devkit, tmp_path):
    expected_plan = plan_of(devkit, tmp_path / "whole", method=METHODS)
    work(expected_plan)
    plan = plan_of(devkit, tmp_path / "runs", method=METHODS)
    (first,) = plan.first_steps
    # Two workers, as on two machines; both are killed with all their processes, the one that has
    # the first step in the middle of it.
    workers = [start(suite, tmp_path / "runs") for _ in range(2)]
    wait_for(lambda: (first.folder / "checkpoint.pt").exists(), workers[0])
    for worker in workers:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert not all(run.finished for run in plan.runs)
    again = [start(suite, tmp_path / "runs") for _ in range(2)]
    outputs = [worker.communicate()[0] for worker in again]
    assert [worker.returncode for worker in again] == [0, 0], outputs
    assert weights(plan) == weights(expected_plan)
    for job in plan.jobs:
        assert any(f"{job.name}: finished" in output for output in outputs), outputs
    assert json.loads((plan.folder / SUITE_FILE).read_text())["name"] == "table"


def test_a_full_disk_ends_in_a_reason_and_room_again_in_a_finished_suite(suite, devkit, tmp_path):
    # A file may have 20 MB: no model fits.
    full = start(suite, tmp_path / "runs", limit=20_000_000)
    output = full.communicate()[0]
    assert full.returncode == 1, output
    assert "failed" in output
    assert "2 blocked" in output
    plan = plan_of(devkit, tmp_path / "runs", method=METHODS)
    states = work(plan)
    assert {state.told for state in states.values()} == {"finished"}


def test_a_suite_that_was_edited_gets_its_new_runs_and_refuses_changed_ones(
    devkit, tmp_path, capsys
):
    logdir = tmp_path / "runs"
    settings = content(devkit, method=["FT"], epochs=1, task="offline")
    assert run_suite(settings, logdir=logdir, threads=1) == 0
    capsys.readouterr()
    assert run_suite(settings | {"method": ["FT", "JOINT"]}, logdir=logdir, threads=1) == 0
    out = capsys.readouterr().out
    assert "JOINT_offline_overlapped_s3: finished after" in out
    assert "FT_offline_overlapped_s3: started" not in out
    with pytest.raises(ValueError, match=r"other settings: lr was 0\.01 and is 0\.02"):
        run_suite(settings | {"lr": 0.02}, logdir=logdir, threads=1)
