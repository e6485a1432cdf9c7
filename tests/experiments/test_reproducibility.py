"""The page of reproducibility is up to date, and takes results in."""

import json

import pytest

from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.options.resolve import parse
from experiments import reproducibility
from experiments.reproducibility import PAGE, RECORD, commands_of, main, render
from tests.cli.runs import write_run
from tests.experiments.test_full_scale import FIRST, THEN

CURRENT = json.loads(RECORD.read_text(encoding="utf-8"))


def test_the_page_is_what_the_command_writes():
    assert PAGE.read_text(encoding="utf-8") == render(CURRENT), (
        "run python -m experiments.reproducibility"
    )


def test_every_method_has_a_row_in_both_tables():
    rows = [line.split(" | ")[0] for line in render(CURRENT).splitlines()]
    for method in METHODS:
        assert rows.count(f"| {method}") == 2


@pytest.mark.parametrize("method", METHODS)
def test_the_commands_of_a_method_can_be_typed(method):
    for command in commands_of(method):
        words = command.split()
        if words[1] == "suite":
            assert (PAGE.parent / words[2]).is_file()
        else:
            options = parse(words[2:])
            assert (words[:2], options.method) == (["avalanche-seg", "run"], method)
            assert options.model == "deeplabv3"


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The record and the page as copies that a test may write."""
    paths = {"RECORD": tmp_path / "record.json", "PAGE": tmp_path / "page.md"}
    paths["RECORD"].write_text(json.dumps(CURRENT))
    for name, path in paths.items():
        monkeypatch.setattr(reproducibility, name, path)
    return paths


def test_results_of_a_suite_are_taken_in_and_replaced_by_newer_ones(copies, tmp_path, capsys):
    for old, shown in ((0.6, "60.0 / 40.0 / 55.0"), (0.8, "80.0 / 40.0 / 70.0")):
        first = {name: old if name != "background" else 0.9 for name in FIRST}
        folder = tmp_path / f"run{old}"
        write_run(folder, [first, THEN | first], task="15-5", method="MiB", train_void="background")
        assert main(["--suite", str(folder)]) == 0
        page = copies["PAGE"].read_text()
        assert f"| MiB | 15-5 overlapped | 1 | {shown} | 75.5 / 49.4 / 69.0 |" in page
        assert page.count("| 75.5 / 49.4 / 69.0 |") == 1
    (row,) = (line for line in page.splitlines() if line.startswith("| MiB | 6 |"))
    assert row.endswith("| below |")
    assert main([]) == 0 and copies["PAGE"].read_text() == page, "kept without the runs"


@pytest.mark.parametrize("wrong", ["nowhere", "other data", "no run"])
def test_wrong_folders_leave_the_page_alone(copies, tmp_path, capsys, wrong):
    folder = tmp_path / "run"
    if wrong == "other data":
        write_run(folder, [FIRST, THEN], task="15-5", method="MiB", dataset="synthetic")
    elif wrong == "no run":
        folder.mkdir()
        (folder / "suite.json").write_text("{}")
    assert main(["--suite", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not copies["PAGE"].exists()


def test_a_test_that_fails_leaves_the_page_alone(copies, monkeypatch):
    class Failed:
        returncode = 1

    monkeypatch.setattr(reproducibility.subprocess, "run", lambda *_, **__: Failed)
    assert main(["--run"]) == 1
    assert not copies["PAGE"].exists()
