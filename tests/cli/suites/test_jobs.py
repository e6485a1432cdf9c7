"""Jobs: their commands, and how far their files say that they are."""

import json

import pytest

from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.suites.jobs import STATUS_FILE, Job, read_json
from avalanche_seg.system import FolderLock


@pytest.fixture
def first(tmp_path):
    folder = tmp_path / "first_steps" / "step0"
    return Job("step0", folder, ["--lr", "1"], parse([]), {0: 100}, is_first_step=True)


@pytest.fixture
def run(tmp_path, first):
    return Job("FT", tmp_path / "runs" / "FT", ["--lr", "1"], parse([]), {1: 30, 2: 20}, first)


def finish(job, step):
    (job.folder / "models").mkdir(parents=True)
    (job.folder / "models" / f"step{step}.safetensors").touch()
    (job.folder / "results.json").write_text(json.dumps({"steps": [{"step": step}]}))


def test_commands_begin_and_go_on(tmp_path, first, run):
    folders = [str(tmp_path / name) for name in ("first_steps", "runs")]
    assert first.command == [
        *("--lr", "1", "--logdir", folders[0], "--name", "step0", "--step", "0", "--resume"),
    ]
    model = str(first.folder / "models" / "step0.safetensors")
    assert run.command == [
        *("--lr", "1", "--logdir", folders[1], "--name", "FT", "--step_ckpt", model, "--resume"),
    ]


def test_a_run_is_finished_with_model_and_measures_of_its_last_step(run):
    assert not run.finished
    finish(run, 1)
    assert not run.finished
    (run.folder / "models" / "step2.safetensors").touch()
    assert not run.finished, "not measured yet"
    (run.folder / "results.json").write_text(json.dumps({"steps": [{"step": 1}, {"step": 2}]}))
    assert run.finished
    assert run.done == run.total == 50


def test_it_tells_how_far_it_is(run):
    assert run.done == 0
    run.folder.mkdir(parents=True)
    for status, done in (
        ({"step": 1, "iteration": 7}, 7),
        ({"step": 2, "iteration": 7}, 37),
        ({"step": 2, "iteration": 99}, 50),
        ({"step": "2"}, 0),
    ):
        (run.folder / STATUS_FILE).write_text(json.dumps(status))
        assert run.done == done


def test_it_tells_who_works_at_it(run):
    assert run.holder is None
    run.folder.mkdir(parents=True)
    with FolderLock(run.folder):
        assert run.holder is not None


def test_what_cannot_be_read_is_empty(tmp_path):
    for content in (b"", b"[1]", b"\xff{"):
        (tmp_path / "a.json").write_bytes(content)
        assert read_json(tmp_path / "a.json") == {}
    assert read_json(tmp_path / "none.json") == {}
