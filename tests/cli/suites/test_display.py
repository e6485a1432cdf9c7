"""What a suite shows: plan, table, lines without a terminal, and its end."""

import io
import time

import pytest
from rich.console import Console

from avalanche_seg.cli.suites import display
from avalanche_seg.cli.suites.display import LiveTable, plan_text, summary
from avalanche_seg.cli.suites.scheduler import State
from tests.cli.suites.suites import plan_of, pretend_finished


@pytest.fixture
def plan(devkit, tmp_path):
    return plan_of(devkit, tmp_path, method=["FT", "MiB", "JOINT"])


def table(plan, *, terminal):
    out = io.StringIO()
    return out, LiveTable(plan, Console(file=out, force_terminal=terminal, width=120, height=30))


def test_the_plan_tells_jobs_sharing_and_iterations(plan):
    text = plan_text(plan)
    (first,) = plan.first_steps
    assert "FT_15-5_overlapped_s3" in text
    assert f"step 0: {first.name}" in text
    alone = sum(run.total for run in plan.runs) + 2 * first.total
    assert f"3 runs, 1 shared first steps; {sum(j.total for j in plan.jobs)} iterations" in text
    assert f"runs one by one have {alone}" in text


def test_a_first_step_whose_runs_are_finished_is_not_left_to_do(plan):
    ft, mib, joint = plan.runs
    pretend_finished(ft)
    assert "not needed" not in plan_text(plan)
    pretend_finished(mib)
    text = plan_text(plan)
    assert "[not needed]" in text
    assert f"; {joint.total} are left" in text


def test_the_table_shows_what_runs_where(plan):
    out, live = table(plan, terminal=True)
    states = [State(job) for job in plan.jobs]
    states[0].told, states[0].where = "running", "place 0"
    states[1].told, states[1].where = "elsewhere", "node7, process 12"
    states[2].told, states[2].why = "failed", "a reason"
    with live:
        live.note("something happened")
        live.show(states)
    text = out.getvalue()
    for told in ("place 0", "node7, process 12", "a reason", "waiting", "something happened"):
        assert told in text


def test_without_a_terminal_there_are_lines_alone_once_a_minute(plan, monkeypatch):
    out, live = table(plan, terminal=False)
    states = [State(job) for job in plan.jobs]
    with live:
        live.show(states)
        assert out.getvalue() == ""
        monkeypatch.setattr(display, "_LINE_EVERY", -1.0)
        live.show(states)
    assert "4 waiting" in out.getvalue()
    assert "iterations left" in out.getvalue()


def test_after_the_first_steps_it_tells_when_it_will_end(plan, monkeypatch):
    _, live = table(plan, terminal=False)
    states = [State(job) for job in plan.jobs]
    assert "until" not in live._end(states)
    begin = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: begin + 100.0)
    live._before = -50
    assert "0.5 a second: until about" in live._end(states)


def test_the_end_tells_reasons_and_logs(plan):
    states = [State(job) for job in plan.jobs]
    for state in states:
        state.told = "finished"
    assert summary(plan, states) == "suite table: 3 finished"
    states[-1].told, states[-1].why = "failed", "no disk"
    text = summary(plan, states)
    assert text.startswith("suite table: 2 finished, 1 failed\n")
    assert "JOINT_15-5_overlapped_s3 failed: no disk" in text
    assert str(plan.folder / "logs" / "JOINT_15-5_overlapped_s3.log") in text
