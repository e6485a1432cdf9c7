"""Workers of a cluster, by submitit's executor for one machine."""

import argparse

import pytest

from avalanche_seg.cli.suites.submission import Worker, submit
from avalanche_seg.cli.suites.suite_file import make_suite
from tests.cli.suites.suites import content, plan_of, weights, work
from tests.cli.suites.test_command import write

pytest.importorskip("submitit")


def arguments(suite, logdir, **more):
    given = {
        "file": suite, "logdir": logdir, "submit": 2, "cluster": "local", "jobs": 1, "threads": 1,
        "only": [], "dry_run": False, "submit_options": ["timeout_min=10"],
    }  # fmt: skip
    return argparse.Namespace(**given | more)


def test_two_workers_of_an_array_finish_a_suite_together(devkit, tmp_path):
    whole = plan_of(devkit, tmp_path / "whole", method=["FT", "MiB"], epochs=1)
    work(whole)
    suite = write(tmp_path / "table.toml", content(devkit, method=["FT", "MiB"], epochs=1))
    jobs = submit(arguments(suite, tmp_path / "runs"))
    assert len(jobs) == 2
    assert [job.result() for job in jobs] == [0, 0]
    plan = plan_of(devkit, tmp_path / "runs", method=["FT", "MiB"], epochs=1)
    assert weights(plan) == weights(whole)


def test_a_dry_run_submits_nothing(devkit, tmp_path, capsys):
    suite = write(tmp_path / "table.toml", content(devkit, method=["FT", "MiB"]))
    assert submit(arguments(suite, tmp_path / "runs", dry_run=True)) == []
    assert "2 runs, 1 shared first steps" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()


def test_options_that_the_cluster_does_not_know_are_one_sentence(devkit, tmp_path):
    suite = write(tmp_path / "table.toml", content(devkit, method="FT"))
    with pytest.raises(ValueError, match=r"takes no workers .*nonsense"):
        submit(arguments(suite, tmp_path / "runs", submit_options=["nonsense=1"]))


def test_without_slurm_it_says_so(devkit, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    suite = write(tmp_path / "table.toml", content(devkit, method="FT"))
    with pytest.raises(ValueError, match="the cluster 'slurm' takes no workers"):
        submit(arguments(suite, tmp_path / "runs", cluster="slurm"))


def test_a_worker_that_is_ended_is_submitted_again_as_it_was(devkit):
    worker = Worker(make_suite(content(devkit)), jobs=1)
    again = worker.checkpoint()
    assert again.function is worker
