"""Two processes on the command line, and one of them dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.running.command import main
from avalanche_seg.models import load_model
from tests.cli.commands import digest, small
from tests.distributed import free_port

ROOT = Path(__file__).parents[3]


def torchrun(*command: str) -> "subprocess.Popen[str]":
    start = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--nproc_per_node=2"]
    return subprocess.Popen(
        [*start, f"--master_port={free_port()}", *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def runs(devkit, module_folder):
    """Every method in two processes."""
    script = str(Path(__file__).parents[1] / "every_method.py")
    process = torchrun(script, *small(devkit, module_folder, "--overlap", "--fix_bn"))
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output
    return module_folder, output


def matrices(file: Path) -> list[list[list[int]]]:
    return [step["confusion_matrix"] for step in json.loads(file.read_text())["steps"]]


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_measure_what_one_does_pixel_by_pixel(devkit, runs, method):
    run = runs[0] / method
    assert len(matrices(run / "results.json")) == (1 if method == "JOINT" else 2)
    again = small(devkit, runs[0], "--overlap", "--method", method, "--name", method, "--test")
    assert main(again) == 0
    assert matrices(run / "test_results.json") == matrices(run / "results.json")


@pytest.mark.parametrize("method", ["MiB", "RW"])
def test_two_processes_train_the_models_of_one(devkit, runs, tmp_path, method):
    alone = small(devkit, tmp_path, "--overlap", "--fix_bn", "--method", method, "--name", "one")
    assert main(alone) == 0
    for step in (0, 1):
        first, second = (
            load_model(folder / "models" / f"step{step}.safetensors").state_dict()
            for folder in (runs[0] / method, tmp_path / "one")
        )
        for name, value in first.items():
            assert value.float().allclose(second[name].float(), rtol=1e-3, atol=1e-5), name


def test_one_process_writes_and_speaks(runs):
    logdir, output = runs
    assert output.count("everything is in") == output.count("writing to") == len(METHODS)
    assert sorted(folder.name for folder in logdir.iterdir()) == sorted(METHODS)


def children(pid: int) -> list[int]:
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the processes in /proc")
def test_a_process_that_dies_ends_the_others_and_the_run_goes_on(devkit, runs, tmp_path):
    more = ("--overlap", "--fix_bn", "--ckpt_iterations", "1", "--resume", "--name", "dead")
    command = ("-m", "experiments.run", *small(devkit, tmp_path, *more))
    running = torchrun(*command)
    checkpoint = tmp_path / "dead" / "checkpoint.pt"
    end = time.time() + 200
    while running.poll() is None and time.time() < end and not checkpoint.is_file():
        time.sleep(0.05)
    os.kill(children(running.pid)[1], signal.SIGKILL)
    output, _ = running.communicate(timeout=200)
    assert running.returncode != 0 and "SIGKILL" in output
    output, _ = (resumed := torchrun(*command)).communicate(timeout=300)
    assert resumed.returncode == 0, output
    for step in (0, 1):
        file = f"models/step{step}.safetensors"
        assert digest(tmp_path / "dead" / file) == digest(runs[0] / "MiB" / file)
