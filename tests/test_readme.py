"""The README's commands, script and claims."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scene_kits import write_ade20k, write_cityscapes

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_two_commands_do_all_the_set_up():
    assert [block.strip() for block in blocks("bash")] == [
        "pip install -e . && python -m experiments.run",
        'pip install -e ".[test]" && pytest -n 2 --dist loadfile',
    ]


def test_ci_runs_the_test_command_as_written():
    assert blocks("bash")[1].strip() in CI.splitlines()


def test_the_script_is_short():
    script = blocks("python")[0]
    assert len([line for line in script.splitlines() if line.strip()]) <= 25


def write_data(folder):
    """What the script finds on the disk: images that show a class of every step."""
    shows_all = [[1, 101, 111, 121, 131, 141]]
    write_ade20k(folder / "ade20k", {"training": [shows_all], "validation": [shows_all]})
    train = {city: [[[7, 33]]] * 2 for city in ("aachen", "hamburg", "ulm")}
    val = {city: [[[7, 33]]] * 2 for city in ("frankfurt", "lindau", "munster")}
    write_cityscapes(folder / "cityscapes", {"train": train, "val": val})


def test_the_script_and_the_mixed_methods_run_as_they_are(tmp_path):
    write_data(tmp_path / "data")
    (tmp_path / "mine.py").write_text("\n".join(blocks("python")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    (miou,) = re.findall(r"^\d+\.\d+(?:e-\d+)?$", done.stdout, flags=re.MULTILINE)
    assert 0.0 <= float(miou) <= 1.0
    own = "['classifier.low_classifier', 'classifier.high_classifier'] 21"
    assert {"16 -> 21", own, "finished step 1", "[6, 2, 3]"} <= set(done.stdout.splitlines())


def test_a_network_of_ones_own_takes_six_lines():
    (block,) = (block for block in blocks("python") if "as_incremental" in block)
    assert len([line for line in block.splitlines() if line.strip()]) <= 6


def test_the_layout_it_maps_is_the_packages():
    mapped = re.findall(r"^\| `([\w/.]+)` \|", README, flags=re.MULTILINE)
    assert mapped and all((ROOT / path).exists() for path in mapped)
    package = ROOT / "avalanche_seg"
    found = {f"avalanche_seg/{p.parent.name}/" for p in package.glob("*/__init__.py")}
    found |= {f"avalanche_seg/{p.name}" for p in package.glob("[a-z]*.py")}
    assert found <= set(mapped)


COMMANDS = re.findall(r"^\| `((?:avalanche-seg|torchrun) [^`]+)` \|", README, flags=re.MULTILINE)
SHORT = ["--epochs", "1", "--crop_size", "32", "--batch_size", "64", "--sample_num", "1"]


@pytest.fixture(scope="module")
def folder(module_folder):
    """Where a user is, with one short run."""
    run_command(["python", "-m", "experiments.run"], module_folder)
    return module_folder


def run_command(words, folder):
    """As typed, and short; in this environment instead of the one a user has activated."""
    start = {
        "python": [sys.executable],
        "avalanche-seg": [sys.executable, "-m", "avalanche_seg.cli.main"],
        "torchrun": [sys.executable, "-m", "torch.distributed.run"],
    }
    short = SHORT if {"experiments.run", "run"} & set(words) else []
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", " ".join([*start[words[0]], *words[1:], *short])],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr


def write_short_suite(name, folder):
    """The repository's suite, and short."""
    short = "".join(f"{k[2:]} = {v}\n" for k, v in zip(SHORT[::2], SHORT[1::2], strict=True))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(short + (ROOT / name).read_text(encoding="utf-8"))


def test_the_table_has_a_command_for_every_job():
    shown = " ".join(COMMANDS)
    for job in (
        "--resume",
        "torchrun",
        " compare",
        " report",
        " predict",
        " suite",
        " data",
        "--method",
        "--metrics",
    ):
        assert job in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_table_run(command, folder):
    name = next(path.name for path in (folder / "runs").glob("MiB_*"))
    photos = "data/synthetic/VOC2012/JPEGImages/2012_000001.jpg"
    if " suite " in command:
        write_short_suite(command.split()[2], folder)
    run_command(command.replace("NAME", name).replace("PHOTOS", photos).split(), folder)
    if " report" in command:
        assert "<html" in (folder / "report.html").read_text(encoding="utf-8")
    if " data " in command:
        assert (folder / "data.png").is_file()
    if " predict" in command:
        assert (folder / "predictions" / "2012_000001.png").is_file()
