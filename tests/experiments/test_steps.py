"""Steps run alone, resumed and tested, as users type it."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from experiments.run import main
from experiments.steps import step_seed
from tests.distributed import FORKS
from tests.experiments.commands import small


def weights(run: Path, step: int = 1) -> bytes:
    return (run / "models" / f"step{step}.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole_runs(devkit, tmp_path_factory):
    """Uninterrupted runs, made when first asked for: method -> folder."""
    logdir = tmp_path_factory.mktemp("whole")

    def run(method: str, *more: str) -> Path:
        name = "_".join((method, *more)).replace("-", "")
        if not (logdir / name).exists():
            assert main(arguments(devkit, logdir, method, *more, "--name", name)) == 0
        return logdir / name

    return run


def arguments(devkit, logdir, method, *more):
    return small(devkit, logdir, "--method", method, "--overlap", "--epochs", "2", *more)


@pytest.mark.parametrize("method", ["FT", "MiB", "RW", "SMiB"])
def test_steps_run_alone_give_the_models_of_the_run_in_one_go(
    devkit,
    whole_runs,
    tmp_path,
    method,
):
    whole = whole_runs(method)
    for step, more in ((0, []), (1, ["--lr_later", "0.001"])):
        command = arguments(devkit, tmp_path, method, "--name", "alone", "--step", str(step), *more)
        assert main(command) == 0
        assert weights(tmp_path / "alone", step) == weights(whole, step)
    mine, theirs = (
        json.loads((run / "results.json").read_text()) for run in (tmp_path / "alone", whole)
    )
    assert mine["steps"] == theirs["steps"], "the measures of step 0 came along"


def test_a_step_goes_on_from_the_model_of_another_run(devkit, whole_runs, tmp_path):
    """Step 0 is the same for every method with cross entropy, whatever its memory."""
    start = whole_runs("FT") / "models" / "step0.safetensors"
    more = ["--step", "1", "--step_ckpt", str(start), "--lr_later", "0.001", "--name", "from-FT"]
    assert main(arguments(devkit, tmp_path, "SMiB", *more)) == 0
    assert weights(tmp_path / "from-FT") == weights(whole_runs("SMiB"))


def test_penalties_need_the_statistics_of_their_method(devkit, whole_runs, tmp_path, capsys):
    start = whole_runs("FT") / "models" / "step0.safetensors"
    more = ["--step", "1", "--step_ckpt", str(start)]
    assert main(arguments(devkit, tmp_path, "EWC", *more)) == 2
    assert "was trained without the statistics of EWCPlugin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--step", "1"], "goes on from the model of step 0, and"),
        (["--step", "7"], "--step 7: the task 15-5 has the steps 0 to 1"),
        (["--step", "0", "--step_ckpt", "x"], "it needs --step 1 or more"),
        (["--ckpt", "x"], "add --test"),
        (["--test"], "is no run; pass the --logdir"),
        (["--test", "--ckpt", "nowhere.safetensors"], "nowhere.safetensors is no file"),
        (["--test", "--resume"], "leave one out"),
    ],
)
def test_impossible_combinations_name_the_remedy(devkit, tmp_path, capsys, more, message):
    assert main(arguments(devkit, tmp_path, "FT", *more)) == 2
    assert message in capsys.readouterr().err


def test_models_of_another_task_are_refused(devkit, whole_runs, tmp_path, capsys):
    start = str(whole_runs("FT") / "models" / "step0.safetensors")
    more = ["--task", "10-5", "--step", "1", "--step_ckpt", start]
    assert main(arguments(devkit, tmp_path, "FT", *more)) == 2
    assert "expected a resnet18 of background" in capsys.readouterr().err
    assert (
        main(arguments(devkit, tmp_path, "FT", "--task", "10-10", "--test", "--ckpt", start)) == 2
    )
    assert "no step of this task has these classes" in capsys.readouterr().err


def test_testing_repeats_the_measures_without_training(devkit, whole_runs, capsys):
    run = whole_runs("FT")
    before = weights(run)
    assert main(arguments(devkit, run.parent, "FT", "--name", run.name, "--test")) == 0
    tested = json.loads((run / "test_results.json").read_text())
    trained = json.loads((run / "results.json").read_text())
    assert tested["steps"] == trained["steps"] and weights(run) == before
    assert "no training" in capsys.readouterr().out
    one = str(run / "models" / "step1.safetensors")
    assert main(arguments(devkit, run.parent, "FT", "--test", "--ckpt", one)) == 0
    tested = json.loads((run / "models" / "test_results.json").read_text())
    assert tested["steps"] == trained["steps"][1:]


def child(command: list[str], output: Path, threads: int) -> None:
    """Run the command line as a process of its own."""
    torch.set_num_threads(threads)
    with output.open("a") as file:
        sys.stdout = sys.stderr = file
        code = main(command)
    sys.exit(code)


def start(devkit, logdir, method, *more):
    command = arguments(devkit, logdir, method, *more, "--name", "killed", "--resume")
    output = logdir / "output.txt"
    process = FORKS.Process(target=child, args=(command, output, torch.get_num_threads()))
    process.start()
    end = time.time() + 120
    while process.is_alive() and time.time() < end and not (logdir / "killed").is_dir():
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("method", ["FT", "MiB", "RW", "SMiB"])
def test_killed_at_random_moments_it_ends_with_the_same_weights(
    devkit,
    whole_runs,
    tmp_path,
    method,
):
    """kill -9, three times a run, while it trains, tests or writes; then --resume to the end."""
    whole = whole_runs(method, "--ckpt_iterations", "1")
    moments = random.Random(method)
    for _ in range(3):
        process = start(devkit, tmp_path, method, "--ckpt_iterations", "1")
        time.sleep(moments.uniform(0.2, 3.0))
        process.kill()
        process.join()
    more = ["--ckpt_iterations", "1", "--name", "killed", "--resume"]
    assert main(arguments(devkit, tmp_path, method, *more)) == 0
    runs = (tmp_path / "killed", whole)
    for step in (0, 1):
        assert weights(runs[0], step) == weights(runs[1], step)
    results = [json.loads((run / "results.json").read_text()) for run in runs]
    assert results[0]["steps"] == results[1]["steps"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_saves_and_exits_with_130(devkit, whole_runs, tmp_path, number):
    whole = whole_runs("MiB")
    process = start(devkit, tmp_path, "MiB")
    wait_for(tmp_path / "output.txt", "writing to")
    time.sleep(0.3)
    os.kill(process.pid, number)
    process.join(timeout=120)
    output = (tmp_path / "output.txt").read_text()
    assert process.exitcode == 130, output
    assert "stopping after this iteration" in output and "--resume goes on" in output
    assert main(arguments(devkit, tmp_path, "MiB", "--name", "killed", "--resume")) == 0
    assert weights(tmp_path / "killed") == weights(whole)


def wait_for(file: Path, text: str) -> None:
    end = time.time() + 120
    while time.time() < end and not (file.exists() and text in file.read_text()):
        time.sleep(0.01)


def test_other_flags_and_changed_data_are_refused(devkit, tmp_path, capsys):
    def run(*more):
        return main(arguments(devkit, tmp_path, "FT", "--name", "a", *more))

    assert run() == 0
    assert run("--resume", "--lr", "0.3") == 2
    message = capsys.readouterr().err
    assert "lr was 0.01 and is 0.3" in message and "lr_later was 0.001" in message
    mask = next((devkit / "SegmentationClass").glob("*.png"), None)
    mask = mask or next((devkit / "SegmentationClassAug").glob("*.png"))
    times = mask.stat()
    os.utime(mask, (times.st_atime, times.st_mtime + 10))
    try:
        assert run("--resume") == 2
        assert "fingerprint of the data was" in capsys.readouterr().err
    finally:
        os.utime(mask, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run("--resume") == 0


def test_a_log_folder_that_cannot_be_written(devkit, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(arguments(devkit, tmp_path / "file" / "runs", "FT")) == 2
    assert "pass another --logdir" in capsys.readouterr().err


def test_seeds_of_steps_differ():
    seeds = {step_seed(seed, step) for seed in (0, 1, 42) for step in range(11)}
    assert len(seeds) == 33
