"""The console script ``avalanche-seg``: one subcommand per task."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from avalanche_seg import __version__

__all__ = ["main"]

# Imported when they are called: help and version need neither torch nor Avalanche.
_COMMANDS = {
    "run": ("cli.running.command", "train and test a method on an incremental task"),
    "suite": ("cli.suites.command", "train a table of runs, which share what they can"),
    "compare": ("cli.comparing", "a table and curves of runs, averaged over seeds"),
    "report": ("cli.reporting.command", "one self-contained HTML page about runs"),
    "predict": ("cli.predicting.command", "label images by a saved model"),
    "data": ("cli.inspecting.command", "look at a data set before training on it"),
}
_WITH_NETWORKS = {"run", "predict"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: the subcommand and its arguments; None takes the process's own.

    Returns:
        the exit code of the subcommand: 2 for bad input, 130 after an interruption.

    Raises:
        SystemExit: from argparse, after ``--help`` and ``--version`` and for an unknown subcommand.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="avalanche-seg",
        description="Class-incremental semantic segmentation for Avalanche.",
        epilog="avalanche-seg COMMAND --help tells the flags of a command.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, help) in _COMMANDS.items():
        commands.add_parser(name, help=help, add_help=False)
    command = parser.parse_args(argv[:1]).command
    module = importlib.import_module(f"avalanche_seg.{_COMMANDS[command][0]}")
    if command in _WITH_NETWORKS:
        importlib.import_module("avalanche_seg.system").keep_freed_memory()
    return int(module.main(argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
