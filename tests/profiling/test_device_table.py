"""The table of a GPU, made on the CPU at its smallest; no time is asserted."""

import re

import pytest
import torch

from profiling.__main__ import main
from profiling.device import Device, covered


def test_the_table_is_made_on_the_cpu(tmp_path, monkeypatch):
    # A process of its own would import everything again.
    monkeypatch.setattr("profiling.__main__.in_fresh_process", lambda f, *args: f(*args))
    out = tmp_path / "results.md"
    assert main(["--device", "cpu", "--quick", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert sections == [
        "Targets",
        "Objectives",
        "Training step in memory",
        "Training step from the disk",
        "Sizes of tiles",
        "Penalty methods",
    ]
    for table in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
        assert rows and all(re.search(r"\d", row) for row in rows)
        assert "nan" not in table
    differences = [float(d) for d in re.findall(r"\| (\d+e-\d+) \|$", text, flags=re.MULTILINE)]
    assert len(differences) == 4 and max(differences) < 1e-5


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_it_says_so_in_one_line(tmp_path, capsys):
    out = tmp_path / "results.md"
    assert main(["--device", "cuda", "--out", str(out)]) != 0
    assert capsys.readouterr().out.splitlines() == [
        "--device cuda: this machine has no CUDA device; nothing was measured"
    ]
    assert not out.exists()


def test_overlapping_intervals_count_once():
    assert covered([]) == 0
    assert covered([(0, 4), (1, 2), (3, 6), (8, 9)]) == 7


def test_a_comparison_drops_the_warm_up():
    calls = []
    times = Device("cpu").compare(lambda: calls.append(1), lambda: calls.append(2), rounds=2)
    assert len(times.ours) == 2 and calls == [1, 2] * 5


def test_the_processor_is_busy_while_it_computes():
    with Device("cpu").watch() as watch:
        sum(range(200_000))
    assert 0 < watch.busy <= watch.wall
