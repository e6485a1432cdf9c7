"""Run every comparison and write them into one file: ``python -m profiling``."""

import argparse
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from avalanche_seg.system import atomic_write
from profiling.device_objectives import compiled, objectives, penalty_methods, tile_sizes
from profiling.device_step import training_step
from profiling.machine import describe_machine
from profiling.measuring import in_fresh_process
from profiling.report import Section, markdown, targets_section
from profiling.scripts import SCRIPTS, measure_script

__all__ = ["main"]

Measure = Callable[[bool], list[Section]]
_OF_DEVICE = (objectives, training_step, tile_sizes, penalty_methods, compiled)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scripts one after the other, each in a process of its own, and write their sections.

    Returns:
        how many scripts failed; what they raised stands in the file in place of their sections.
    """
    parser = argparse.ArgumentParser(prog="python -m profiling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument(
        "--device",
        help="make the short table of a device, such as cuda; default: run all the "
        "scripts, on the CPU",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="the file to write (default: RESULTS.md, or RESULTS-DEVICE.md, beside this package)",
    )
    parser.add_argument(
        "--only", nargs="+", choices=SCRIPTS, default=SCRIPTS, help="run these scripts alone"
    )
    options = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["python", "-m", "profiling", *given])
    if options.device is not None:
        return _device_table(options.device, options.quick, options.out, command)
    out = options.out or Path(__file__).with_name("RESULTS.md")

    measures = {name: partial(measure_script, name) for name in options.only}
    return _measure(measures, options.quick, out, command)


def _device_table(name: str, quick: bool, out: Path | None, command: str) -> int:
    kind = torch.device(name).type
    if kind == "cuda" and not torch.cuda.is_available():
        print(f"--device {name}: this machine has no CUDA device; nothing was measured")
        return 1
    measures = {stage.__name__: partial(stage, name) for stage in _OF_DEVICE}
    return _measure(measures, quick, out or Path(__file__).with_name(f"RESULTS-{kind}.md"), command)


def _measure(measures: Mapping[str, Measure], quick: bool, out: Path, command: str) -> int:
    """Run each in a process of its own; those that failed are counted."""
    sections: list[Section] = []
    failed = 0
    bar = tqdm(measures.items(), unit="script")
    for name, measure in bar:
        bar.set_postfix_str(name)
        try:
            sections += in_fresh_process(measure, quick)
        except Exception as error:
            traceback.print_exc()
            failed += 1
            sections.append(_failure(name, error))
        with atomic_write(out) as temporary:  # So a later script loses nothing.
            temporary.write_text(_page(command, sections), encoding="utf-8")
    return failed


def _failure(name: str, error: Exception) -> Section:
    return Section(name, f"Failed: {type(error).__name__}: {error}", [], [])


def _page(command: str, sections: Sequence[Section]) -> str:
    lines = [
        "# Measured performance",
        "",
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, on {describe_machine()}.",
        "",
        'Every script alternates ours with a plain implementation of the same thing ("original"), '
        "written in the script the way the original research code does it.",
        "",
        markdown([targets_section(sections), *sections]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
