"""A job's process: its log, its threads, its exit code, and how far it says that it is."""

import json
import multiprocessing
from types import SimpleNamespace

import pytest

from avalanche_seg.cli.running import command
from avalanche_seg.cli.suites.jobs import STATUS_FILE
from avalanche_seg.cli.suites.worker import StatusPlugin, last_words, process_context, run_job
from tests.cli.suites.suites import plan_of


def strategy(iteration):
    clock = SimpleNamespace(train_exp_epochs=1, train_exp_iterations=iteration)
    return SimpleNamespace(experience=SimpleNamespace(current_experience=2), clock=clock)


def test_the_status_is_written_at_once_and_then_every_other_second(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    plugin = StatusPlugin(tmp_path / STATUS_FILE)
    told = []
    for seconds, iteration in ((0.0, 4), (1.0, 5), (2.5, 6)):
        now[0] = 100.0 + seconds
        plugin.after_training_iteration(strategy(iteration))
        told.append(json.loads((tmp_path / STATUS_FILE).read_text())["iteration"])
    assert told == [5, 5, 7]


def test_a_status_that_cannot_be_written_stops_nothing(tmp_path):
    StatusPlugin(tmp_path / "none" / STATUS_FILE).after_training_iteration(strategy(0))


def test_the_last_words_are_an_error_or_the_last_line_of_this_call(tmp_path):
    log = tmp_path / "job.log"
    assert last_words(log, 0) is None
    log.write_text("error: before\n")
    start = log.stat().st_size
    assert last_words(log, start) is None
    log.write_text("error: before\n\nerror: full\nlast\n\n")
    assert last_words(log, start) == "full"
    log.write_text("error: before\nlast\n")
    assert last_words(log, start) == "last"


def how_loaders_start_workers(arguments, plugins):
    print("workers are started by", multiprocessing.get_start_method())
    return 0


def run_telling(*arguments):
    command.main = how_loaders_start_workers
    run_job(*arguments)


def test_the_workers_of_a_jobs_loaders_start_as_they_do_elsewhere(tmp_path):
    # By the server that the job came from each of them would import everything again.
    log = tmp_path / "job.log"
    process = process_context().Process(target=run_telling, args=([], tmp_path, log, 1, None))
    process.start()
    process.join()
    assert process.exitcode == 0
    usual = multiprocessing.get_context().get_start_method()
    assert f"workers are started by {usual}" in log.read_text().splitlines()


@pytest.mark.parametrize(("more", "code"), [({}, 0), ({"weights": "no.pth"}, 2)])
def test_a_job_ends_with_the_code_of_its_command_and_its_output_is_in_the_log(
    devkit, tmp_path, more, code
):
    more = {"no_pretrained": not more} | more
    (job,) = plan_of(devkit, tmp_path, method="FT", task="offline", epochs=2, **more).jobs
    log = tmp_path / "job.log"
    log.write_text("before\n")
    process = process_context().Process(
        target=run_job, args=(job.command, job.folder, log, 1, None)
    )
    process.start()
    process.join()
    assert process.exitcode == code
    text = log.read_text()
    assert text.startswith("before\n\n$ avalanche-seg run --dataset voc")
    assert ("mIoU on the test set" in text) == (code == 0)
    assert ("error: " in text) == (code == 2)
    assert not (job.folder / STATUS_FILE).exists()
    states = [path.name for path in job.folder.glob("checkpoint*")]
    assert states == (["checkpoint.pt"] if code == 0 else [])
