"""Two processes on the command line, and one of them dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avalanche_seg.models import load_model
from experiments.run import main
from tests.distributed import free_port
from tests.experiments.commands import small

ROOT = Path(__file__).parents[2]


def arguments(devkit, logdir, name, *more):
    frozen = ("--method", "MiB", "--overlap", "--fix_bn", "--name", name)
    return small(devkit, logdir, *frozen, *more)


def torchrun(command: list[str]) -> subprocess.Popen[str]:
    start = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--nproc_per_node=2"]
    return subprocess.Popen(
        [*start, f"--master_port={free_port()}", "-m", "experiments.run", *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def two(devkit, tmp_path_factory):
    logdir = tmp_path_factory.mktemp("two")
    output, _ = (process := torchrun(arguments(devkit, logdir, "two"))).communicate(timeout=300)
    assert process.returncode == 0, output
    return logdir / "two", output


def test_two_processes_give_the_run_of_one_and_one_of_them_writes(devkit, two, tmp_path):
    run, output = two
    assert main(arguments(devkit, tmp_path, "one")) == 0
    for step in (0, 1):
        models = [
            load_model(f / "models" / f"step{step}.safetensors") for f in (run, tmp_path / "one")
        ]
        first, second = (model.state_dict() for model in models)
        for name, value in first.items():
            assert value.float().allclose(second[name].float(), rtol=1e-3, atol=1e-5), name
    assert output.count("everything is in") == output.count("writing to") == 1
    steps = json.loads((run / "results.json").read_text())["steps"]
    assert len(steps) == 2
    assert not list(run.parent.glob("two-*"))


def children(pid: int) -> list[int]:
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the processes in /proc")
def test_a_process_that_dies_ends_the_others_and_the_run_goes_on(devkit, two, tmp_path):
    command = arguments(devkit, tmp_path, "dead", "--ckpt_iterations", "1", "--resume")
    running = torchrun(command)
    checkpoint = tmp_path / "dead" / "checkpoint.pt"
    end = time.time() + 200
    while running.poll() is None and time.time() < end and not checkpoint.is_file():
        time.sleep(0.05)
    os.kill(children(running.pid)[1], signal.SIGKILL)
    output, _ = running.communicate(timeout=200)
    assert running.returncode != 0 and "SIGKILL" in output
    output, _ = (resumed := torchrun(command)).communicate(timeout=300)
    assert resumed.returncode == 0, output
    for step in (0, 1):
        file = f"models/step{step}.safetensors"
        assert (tmp_path / "dead" / file).read_bytes() == (two[0] / file).read_bytes()
