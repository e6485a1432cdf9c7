"""Look at a data set before training: ``avalanche-seg data --help``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from avalanche_seg.benchmarks import SETTINGS, Setting, check_data
from avalanche_seg.cli.failures import exit_code_of
from avalanche_seg.cli.inspecting.picture import draw
from avalanche_seg.cli.inspecting.text import report_text
from avalanche_seg.cli.options.options import SPECS
from avalanche_seg.cli.options.parser import add_option, normalize_flags
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.data import read_data
from avalanche_seg.metrics import optional_picture
from avalanche_seg.system import expand_home

__all__ = ["main"]

_OF_RUN = ("dataset", "images", "masks", "split", "classes", "in_channels", "value_range")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 0 when nothing stops a training, 1 when something would, 2 for flags that
        cannot work, 130 after an interruption.
    """
    given = _parser().parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
    try:
        return _look(given)
    except (Exception, KeyboardInterrupt) as error:
        return exit_code_of(error, less_memory="fewer --samples")


def _look(given: argparse.Namespace) -> int:
    if given.samples < 0:
        raise ValueError(f"--samples {given.samples}; expected zero or more")
    flags = [] if given.path is None else ["--data_root", str(given.path)]
    for name in _OF_RUN:
        flags += SPECS[name].argv(getattr(given, name, None))
    options = parse(flags)
    try:
        files = read_data(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1  # Lists that cannot be read stop a training too.
    report = check_data(
        files,
        tasks=given.task,
        settings=given.setting or get_args(Setting),
        class_order=given.class_order,
        pixels=not given.heads_only,
    )
    print(report_text(report))
    with optional_picture(str(given.output)):
        given.output.parent.mkdir(parents=True, exist_ok=True)
        draw(report, given.output, n=given.samples)
        print(f"picture: {given.output}")
    return 0 if report.is_trainable else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="avalanche-seg data",
        description="Look at every file of a data set before anyone trains on it: images, sizes, "
        "classes with their images and pixels, images by step of tasks and settings, and all that "
        "is odd or broken. Draws how frequent the classes are, and samples with their masks.",
        epilog="Exit code 0: nothing stops a training; 1: something would, and is named with its "
        "remedy; 2: flags that cannot work. What is counted is cached for the training. Flags may "
        "be spelled with - or _.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "path",
        nargs="?",
        metavar="DATA_ROOT",
        type=expand_home,
        help="folder of the data set (default: as run)",
    )
    of_run = parser.add_argument_group("the data set, as for run")
    for name in _OF_RUN:
        add_option(of_run, SPECS[name])
    parser.add_argument(
        "--task",
        nargs="+",
        metavar="TASK",
        help="tasks such as 15-5 or 10-1, whose steps must have images (default: those of the "
        "literature for so many classes, and an empty step is a note)",
    )
    parser.add_argument(
        "--setting",
        nargs="+",
        choices=SETTINGS,
        help=f"settings to count images in (default: all: {', '.join(SETTINGS)})",
    )
    parser.add_argument(
        "--class_order", metavar="NAME", help="one of the data set's class orders (default: by id)"
    )
    parser.add_argument(
        "--output",
        type=expand_home,
        default=Path("data.png"),
        help="the picture (default: data.png)",
    )
    parser.add_argument(
        "--samples", type=int, default=9, help="training samples in the picture (default: 9)"
    )
    parser.add_argument(
        "--heads_only",
        action="store_true",
        help="read the heads of the images alone: a fraction of the time, but damaged pixels and "
        "the mean of the channels stay unknown",
    )
    return parser
