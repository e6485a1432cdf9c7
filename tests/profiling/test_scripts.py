"""Every script runs at its smallest and gives sections with numbers; no time is asserted."""

import re

import torch

from profiling.__main__ import main
from profiling.cost import TASKS
from profiling.scripts import SCRIPTS


def test_all_scripts_run_and_write_one_file(tmp_path):
    out = tmp_path / "results.md"
    assert main(["--quick", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "python -m profiling --quick" in text
    assert "torch " + torch.__version__ in text
    sections = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert sections[0] == "Targets"
    assert len(sections) > len(SCRIPTS)
    tables = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    for title, table in zip(sections, tables, strict=True):
        assert "Failed" not in table, f"{title}: {table}"
        rows = [line for line in table.splitlines() if line.startswith("| ")]
        assert len(rows) > 2, title
        assert all(any(character.isdigit() for character in row) for row in rows[2:]), title


def test_a_failing_script_does_not_lose_the_others(tmp_path, monkeypatch):
    def fails(measure, quick):
        raise KeyError(*measure.args)

    monkeypatch.setattr("profiling.__main__.in_fresh_process", fails)
    out = tmp_path / "results.md"
    assert main(["--quick", "--out", str(out), "--only", "cost", "scale"]) == 2
    assert "Failed: KeyError: 'cost'" in out.read_text(encoding="utf-8")
    assert "Failed: KeyError: 'scale'" in out.read_text(encoding="utf-8")


def test_iterations_of_the_tasks():
    voc, ade = TASKS
    assert voc.iterations == (11_940, 600, 360, 600, 600, 660)
    assert ade.iterations == (50_520,) * 6
