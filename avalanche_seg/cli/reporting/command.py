"""One self-contained HTML page about runs: ``avalanche-seg report runs/*``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from avalanche_seg.cli.options.parser import normalize_flags
from avalanche_seg.cli.reading import read_sections
from avalanche_seg.cli.reporting.page import page
from avalanche_seg.system import atomic_write, expand_home

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="avalanche-seg report",
        description="Write one HTML page about runs that needs no other file and no network: "
        "curves, IoU by class and step, forgetting, published numbers, pictures, settings. Runs "
        "that differ in their seed only share a line.",
        allow_abbrev=False,
    )
    parser.add_argument("runs", nargs="+", type=expand_home, help="folders of runs or suites")
    parser.add_argument(
        "--output",
        type=expand_home,
        default=Path("report.html"),
        help="the page (default: report.html)",
    )
    parser.add_argument("--title", help="of the page (default: tasks and data sets)")
    parser.add_argument(
        "--sample_num",
        type=int,
        default=6,
        help="pictures per task, each with the predictions after every step (default: 6; 0: none)",
    )
    parser.add_argument(
        "--against",
        metavar="METHOD",
        help="compare all methods with this one (default: each with the next best)",
    )
    given = parser.parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
    try:
        if given.sample_num < 0:
            raise ValueError(f"--sample_num {given.sample_num}; expected zero or more")
        sections = read_sections(given.runs)
        content = page(
            sections, title=given.title, n_pictures=given.sample_num, against=given.against
        )
        with atomic_write(given.output) as temporary:
            temporary.write_text(content, encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"report: {given.output}")
    return 0
