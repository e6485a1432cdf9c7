"""The console script: subcommands, version, and how little help needs."""

import importlib
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from avalanche_seg import __version__, system
from avalanche_seg.cli import main as script
from avalanche_seg.cli.main import main

MODULES = {
    "run": "avalanche_seg.cli.running.command",
    "suite": "avalanche_seg.cli.suites.command",
    "compare": "avalanche_seg.cli.comparing",
    "report": "avalanche_seg.cli.reporting.command",
    "predict": "avalanche_seg.cli.predicting.command",
    "data": "avalanche_seg.cli.inspecting.command",
}


@pytest.mark.parametrize(("name", "module"), MODULES.items())
def test_a_subcommand_gets_its_arguments_and_gives_its_exit_code(monkeypatch, name, module):
    monkeypatch.setattr(importlib.import_module(module), "main", lambda argv: len(argv) + 5)
    kept = []
    monkeypatch.setattr(system, "keep_freed_memory", lambda: kept.append(True))
    assert main([name, "--help", "x"]) == 7
    assert bool(kept) == (name in ("run", "predict"))


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["--version"], 0, f"avalanche-seg {__version__}"),
        (["--help"], 0, "train and test a method"),
        ([], 2, "required: COMMAND"),
        (["rum"], 2, "choose from"),
        (["run", "--epoch", "1"], 2, "did you mean --epochs?"),
    ],
)
def test_what_is_no_subcommand(argv, code, text, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    shown = capsys.readouterr()
    assert stop.value.code == code
    assert text in shown.out + shown.err


def test_help_lists_every_subcommand(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in MODULES) and set(script._COMMANDS) == set(MODULES)


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_need_neither_torch_nor_avalanche(flag):
    code = (
        "import sys, contextlib, avalanche_seg.cli.main as script\n"
        f"with contextlib.suppress(SystemExit): script.main(['{flag}'])\n"
        "assert not {'torch', 'avalanche', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_package_installs_it():
    found = [e for e in entry_points(group="console_scripts") if e.name == "avalanche-seg"]
    if not found:
        pytest.skip("the package is used from its folder, not installed")
    assert found[0].load() is main
