"""Suites worked off past failures, kills and damage, to the weights of runs one by one."""

import os
import signal

import pytest

from avalanche_seg.cli.suites.jobs import STATUS_FILE
from tests.cli.commands import digest
from tests.cli.suites.suites import later, plan_of, pretend_finished, run_alone, weights, work

METHODS = ["FT", "SMiB"]


@pytest.fixture(scope="module")
def one_by_one(devkit, module_folder):
    """The last models of the runs, each run alone: name -> digest."""
    plan = plan_of(devkit, module_folder / "plan", method=METHODS)
    found = {}
    for run in plan.runs:
        run_alone([*run.argv, "--logdir", str(module_folder), "--name", run.name])
        found[run.name] = digest(module_folder / run.name / "models" / "step1.safetensors")
    return found


def test_a_suite_gives_the_weights_of_runs_one_by_one_and_skips_what_is_finished(
    devkit, tmp_path, one_by_one
):
    plan = plan_of(devkit, tmp_path, method=METHODS)
    states = work(plan, places=2)
    assert {state.told for state in states.values()} == {"finished"}
    assert weights(plan) == one_by_one
    notes: list[str] = []
    work(plan_of(devkit, tmp_path, method=METHODS), note=notes.append)
    assert notes == [], "nothing was left"


def test_a_killed_process_goes_on_by_itself(devkit, tmp_path, one_by_one):
    plan = plan_of(devkit, tmp_path, method=METHODS)
    (first,) = plan.first_steps
    notes: list[str] = []
    later(
        lambda: (first.folder / "checkpoint.pt").exists() and bool(first.holder),
        lambda: os.kill(first.holder["pid"], signal.SIGKILL),
    )
    states = work(plan, note=notes.append)
    assert f"{first.name}: killed by signal 9; going on from its last saved state" in notes
    assert {state.told for state in states.values()} == {"finished"}
    assert weights(plan) == one_by_one


def test_a_damaged_first_step_is_said_and_trained_again(devkit, tmp_path, one_by_one):
    plan = plan_of(devkit, tmp_path, method=METHODS)
    (first,) = plan.first_steps
    run_alone(first.command)
    data = bytearray(first.model.read_bytes())
    data[len(data) // 2] ^= 255
    first.model.write_bytes(data)
    notes: list[str] = []
    states = work(plan, note=notes.append)
    assert any("digest" in note and note.endswith("it is trained again") for note in notes), notes
    assert first.model.with_name("step0.safetensors.damaged").exists(), "nothing is removed"
    assert {state.told for state in states.values()} == {"finished"}
    assert weights(plan) == one_by_one


def test_a_first_step_that_no_run_needs_any_more_is_not_trained_again(devkit, tmp_path):
    plan = plan_of(devkit, tmp_path, method=METHODS)
    for run in plan.runs:
        pretend_finished(run)
    notes: list[str] = []
    states = work(plan, note=notes.append)
    assert notes == []
    assert {state.told for state in states.values()} == {"finished"}


def test_a_failed_run_stops_no_other_and_one_whose_first_step_failed_is_blocked(
    devkit, tmp_path, one_by_one
):
    bad = {"no_pretrained": False, "weights": str(tmp_path / "no.pth")}
    bad_runs = [{"method": "ILT", "name": "bad"} | bad, {"method": "LWF", "name": "bad2"} | bad]
    blocks = [*bad_runs, {"method": METHODS}]
    plan = plan_of(devkit, tmp_path, runs=blocks)
    log = plan.folder / "logs" / f"{plan.runs[0].first_step.name}.log"
    log.parent.mkdir(parents=True)
    log.write_text("error: of an earlier call\n")
    notes: list[str] = []
    states = work(plan, note=notes.append)
    told = {name.split("_")[0]: state.told for name, state in states.items()}
    assert told["bad"] == told["bad2"] == "blocked"
    assert told["FT"] == told["SMiB+5"] == "finished"
    failed = [state for state in states.values() if state.told == "failed"]
    assert len(failed) == 1
    assert "no.pth" in failed[0].why
    assert {run.name: digest(run.model) for run in plan.runs if run.model.exists()} == one_by_one


def test_an_interruption_saves_every_job_and_the_next_call_goes_on(devkit, tmp_path, one_by_one):
    plan = plan_of(devkit, tmp_path, method=METHODS)
    (first,) = plan.first_steps
    later(
        lambda: (first.folder / STATUS_FILE).exists(), lambda: os.kill(os.getpid(), signal.SIGINT)
    )
    with pytest.raises(KeyboardInterrupt):
        work(plan)
    assert first.holder is None, "its process has ended"
    assert (first.folder / "checkpoint.pt").exists()
    work(plan_of(devkit, tmp_path, method=METHODS))
    assert weights(plan) == one_by_one
