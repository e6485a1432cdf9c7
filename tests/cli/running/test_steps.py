"""Steps run alone, resumed and tested, as users type it."""

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.running.steps import step_seed
from avalanche_seg.plugins import read_state, write_state
from tests.cli.commands import digest, small
from tests.distributed import FORKS


def weights(run: Path, step: int = 1) -> str:
    return digest(run / "models" / f"step{step}.safetensors")


@pytest.fixture(scope="module")
def whole_runs(devkit, module_folder):
    """Uninterrupted runs, made when first asked for: method -> folder."""

    def run(method: str, *more: str) -> Path:
        name = "_".join((method, *more)).replace("-", "")
        if not (module_folder / name).exists():
            assert main(arguments(devkit, module_folder, method, *more, "--name", name)) == 0
        return module_folder / name

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
        (["--step", "0", "--step_ckpt", "x"], "and step 0 has none; leave it out"),
        (["--ckpt", "x"], "add --test"),
        (["--test"], "is no run; pass the --logdir"),
        (["--test", "--ckpt", "nowhere.safetensors"], "nowhere.safetensors is no file"),
        (["--test", "--resume"], "leave one out"),
    ],
)
def test_impossible_combinations_name_the_remedy(devkit, tmp_path, capsys, more, message):
    assert main(arguments(devkit, tmp_path / "logs", "FT", *more)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("logs/*")), "no empty run is left"


def test_models_of_another_task_are_refused(devkit, whole_runs, tmp_path, capsys):
    start = str(whole_runs("FT") / "models" / "step0.safetensors")
    more = ["--task", "10-5", "--step", "1", "--step_ckpt", start]
    assert main(arguments(devkit, tmp_path, "FT", *more)) == 2
    error = capsys.readouterr().err
    assert "expected a bisenet (backbone resnet18, " in error and "of background, " in error
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
    tested = json.loads((run / "models" / "step1.test_results.json").read_text())
    assert tested["steps"] == trained["steps"][1:]


def test_models_that_are_missing_or_damaged_are_said(devkit, whole_runs, tmp_path, capsys):
    models = tmp_path / "a" / "models"
    shutil.copytree(whole_runs("FT") / "models", models)
    (models / "step0.safetensors").unlink()
    test = arguments(devkit, tmp_path, "FT", "--name", "a", "--test")
    with pytest.warns(UserWarning, match=r"models has no model of step 0, which is left out"):
        assert main(test) == 0
    file = models / "step1.safetensors"
    content = bytearray(file.read_bytes())
    content[-1000] ^= 4
    file.write_bytes(content)
    for command in (
        [*test, "--step", "1"],
        arguments(devkit, tmp_path, "FT", "--test", "--ckpt", str(file)),
        arguments(devkit, tmp_path, "FT", "--name", "b", "--step", "1", "--step_ckpt", str(file)),
    ):
        assert main(command) == 2
        assert f"{file} is damaged" in capsys.readouterr().err


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
    """kill -9, three times per run, while it trains, tests or writes; then --resume to the end."""
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


def test_a_run_that_goes_on_elsewhere_is_not_disturbed(devkit, whole_runs, tmp_path, capsys):
    process = start(devkit, tmp_path, "MiB")
    wait_for(tmp_path / "output.txt", "writing to")
    os.kill(process.pid, signal.SIGSTOP)  # It holds its folder while it sleeps, too.
    for more in (["--resume"], ["--step", "0"], []):
        assert main(arguments(devkit, tmp_path, "MiB", "--name", "killed", *more)) == 2
        error = capsys.readouterr().err
        assert f"is in use by process {process.pid} on " in error and " since 20" in error
    os.kill(process.pid, signal.SIGCONT)
    process.join(timeout=120)
    assert process.exitcode == 0, (tmp_path / "output.txt").read_text()
    for step in (0, 1):
        assert weights(tmp_path / "killed", step) == weights(whole_runs("MiB"), step)


def test_what_killed_runs_left_is_removed_at_the_next_start(devkit, whole_runs, tmp_path):
    folder = tmp_path / "a"
    shutil.copytree(whole_runs("FT"), folder)
    nobody = 2**31 - 1
    left = [f"checkpoint.pt.{nobody}.tmp", f"models/step0.safetensors.{nobody}.tmp"]
    left += ["models/.tmpAb12", f"plots/iou_by_class.png.{nobody}.tmp"]
    for name in left:
        (folder / name).write_text("half")
    kept = {path.name for path in folder.iterdir()} - {left[0]}
    assert main(arguments(devkit, tmp_path, "FT", "--name", "a", "--resume")) == 0
    assert not any((folder / name).exists() for name in left)
    assert {path.name for path in folder.iterdir()} >= kept
    assert not (folder / "in_use.json").exists()


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
    mask = devkit / "SegmentationClass" / "2012_000001.png"
    before = mask.read_bytes()
    image = Image.open(mask)
    image.putpixel((0, 0), 7)
    image.save(mask)
    try:
        assert run("--resume") == 2
        told = "was made with other data (train masks: 1 of 20 changed, such as 2012_000001.png)"
        assert told in capsys.readouterr().err
        (tmp_path / "a" / "data.json").unlink()
        assert run("--resume") == 2
        assert "fingerprint of the data was" in capsys.readouterr().err
    finally:
        mask.write_bytes(before)
    assert json.loads((tmp_path / "a" / "config.json").read_text())["lr"] == 0.01, "not overwritten"
    moved = tmp_path / "elsewhere"
    shutil.copytree(devkit, moved / "VOC2012")
    assert run("--resume", "--data_root", str(moved)) == 0, "the same data elsewhere"


def test_a_step_that_is_trained_already_is_not_overwritten(devkit, whole_runs, capsys):
    run = whole_runs("FT")
    before = weights(run, 0)
    more = ["--name", run.name, "--step", "0", "--random_seed", "7"]
    assert main(arguments(devkit, run.parent, "FT", *more)) == 2
    assert "--step 0 is trained already" in capsys.readouterr().err
    assert weights(run, 0) == before


def test_a_step_that_died_before_its_first_save_is_begun_by_resume(devkit, whole_runs, tmp_path):
    """As in the original every step has its own --lr."""
    assert main(arguments(devkit, tmp_path, "MiB", "--name", "a", "--step", "0")) == 0
    more = ["--name", "a", "--step", "1", "--lr", "0.001", "--resume"]
    assert main(arguments(devkit, tmp_path, "MiB", *more)) == 0
    assert weights(tmp_path / "a") == weights(whole_runs("MiB"))
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert (config["lr"], config["lr_later"]) == (0.01, 0.001), "the rates of both kinds of step"


def killed_after(what: str, command: list[str], output: Path, threads: int) -> None:
    """A child that dies right after writing a file whose name ends with ``what``."""

    def replace(self, target):
        moved = real_replace(self, target)
        if str(target).endswith(what):
            os.kill(os.getpid(), signal.SIGKILL)
        return moved

    real_replace = Path.replace
    Path.replace = replace
    child(command, output, threads)


@pytest.mark.parametrize("what", ["step0.state.pt", "step0.safetensors", "metrics.csv"])
def test_killed_between_the_files_of_a_step_no_measure_is_lost(devkit, whole_runs, tmp_path, what):
    def command(step, *more):
        named = ["--name", "k", "--step", str(step), "--lr_later", "0.001", *more]
        return arguments(devkit, tmp_path, "FT", *named)

    process = FORKS.Process(
        target=killed_after,
        args=(what, command(0), tmp_path / "output.txt", torch.get_num_threads()),
    )
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "output.txt").read_text()
    assert main(command(0, "--resume")) == 0
    assert main(command(1)) == 0
    mine, theirs = (
        json.loads((run / "results.json").read_text()) for run in (tmp_path / "k", whole_runs("FT"))
    )
    assert mine["steps"] == theirs["steps"]
    assert weights(tmp_path / "k") == weights(whole_runs("FT"))


@pytest.mark.parametrize("state", ["missing", "without measures"])
def test_measures_that_are_missing_are_said(devkit, whole_runs, tmp_path, state):
    whole = whole_runs("FT") / "models"
    models = tmp_path / "a" / "models"
    models.mkdir(parents=True)
    shutil.copy(whole / "step0.safetensors", models)
    if state == "without measures":
        content = read_state(whole / "step0.state.pt")
        content["report"]["steps"] = []
        write_state(models / "step0.state.pt", content)
    command = arguments(devkit, tmp_path, "FT", "--name", "a", "--step", "1")
    told = r"step0\.state\.pt (is missing: the method starts without|holds no measures)"
    with pytest.warns(UserWarning, match=f"{told}.*results.json will lack step 0"):
        assert main(command) == 0


def test_frozen_bodies_resume(devkit, tmp_path):
    def run(name, *more):
        return main(arguments(devkit, tmp_path, "FT", "--name", name, "--freeze", *more))

    task = ["--task", "10-5"]
    assert run("whole", *task) == 0
    for step in (0, 1):
        assert run("parts", *task, "--step", str(step), "--lr_later", "0.001") == 0
    assert run("parts", *task, "--step", "2", "--lr_later", "0.001", "--resume") == 0
    assert weights(tmp_path / "parts", 2) == weights(tmp_path / "whole", 2)


def full_disk(command: list[str], output: Path, threads: int) -> None:
    """A child whose files may not grow over 80 MB: models fit, the state does not."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000_000, 80_000_000))
    child(command, output, threads)


def test_a_disk_that_is_full_ends_with_an_error_and_resume_goes_on(devkit, whole_runs, tmp_path):
    command = arguments(devkit, tmp_path, "MiB", "--name", "full", "--resume")
    output = tmp_path / "output.txt"
    process = FORKS.Process(target=full_disk, args=(command, output, torch.get_num_threads()))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == 2
    assert "is the disk full?" in output.read_text()
    assert not list((tmp_path / "full").glob("*.tmp"))
    assert main(command) == 0
    assert weights(tmp_path / "full") == weights(whole_runs("MiB"))


def killed_in_a_write(command: list[str], moment: str, output: Path, threads: int) -> None:
    """A child that is killed in its third write of the state: half way, or between two renames."""
    writes = []

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def save(content, path):
        real_save(content, path)
        writes.append(path)
        if len(writes) == 3 and moment == "half":
            os.truncate(path, Path(path).stat().st_size // 2)
            die()

    def replace(self, target):
        moved = real_replace(self, target)
        if len(writes) == 3 and moment == "renames" and "previous" in str(target):
            die()
        return moved

    real_save, real_replace = torch.save, Path.replace
    torch.save, Path.replace = save, replace
    child(command, output, threads)


@pytest.mark.parametrize("moment", ["half", "renames"])
def test_killed_while_the_state_is_written(devkit, whole_runs, tmp_path, moment):
    command = arguments(
        devkit, tmp_path, "MiB", "--ckpt_iterations", "1", "--name", "k", "--resume"
    )
    output = tmp_path / "output.txt"
    process = FORKS.Process(
        target=killed_in_a_write, args=(command, moment, output, torch.get_num_threads())
    )
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL, output.read_text()
    assert main(command) == 0
    for step in (0, 1):
        assert weights(tmp_path / "k", step) == weights(whole_runs("MiB"), step)


def test_a_log_folder_that_cannot_be_written(devkit, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(arguments(devkit, tmp_path / "file" / "runs", "FT")) == 2
    assert "pass another --logdir" in capsys.readouterr().err


def test_seeds_of_steps_differ():
    seeds = {step_seed(seed, step) for seed in (0, 1, 42) for step in range(11)}
    assert len(seeds) == 33
