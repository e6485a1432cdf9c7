"""REPRODUCIBILITY.md, generated: ``python -m experiments.reproducibility``.

Without flags the page is written from ``experiments/reproducibility.json``, which holds what was
run and when. ``--run`` runs the tests of every method first; ``--suite FOLDER`` takes the results
of suites at full scale in.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.recipes import RECIPES
from avalanche_seg.system import atomic_write
from experiments.checks import CHECKS, FORMULA_TOLERANCE, LOOP_TOLERANCE
from experiments.full_scale import SUITES, cost_of, lines_of, results_of
from profiling.cost import PEAK, UTILISATION

__all__ = ["PAGE", "RECORD", "commands_of", "main", "render", "tests_of"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "REPRODUCIBILITY.md"
RECORD = ROOT / "experiments" / "reproducibility.json"
"""Date and versions of the last ``--run``, and the results at full scale."""


def render(record: dict[str, Any]) -> str:
    """The page; equal records give equal pages.

    Args:
        record: the content of :data:`RECORD`.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("reproducibility.md.j2").render(
        record,
        methods={method: CHECKS[method] for method in METHODS},
        done={row["method"] for row in record["full_scale"]},
        suites={suite: cost_of(ROOT / suite) for suite in SUITES},
        loop_tolerance=LOOP_TOLERANCE,
        formula_tolerance=FORMULA_TOLERANCE,
        peak=PEAK,
        utilisation=UTILISATION,
        tests_of=tests_of,
        lines_of=lines_of,
        commands_of=commands_of,
    )


def tests_of(method: str) -> list[str]:
    """The tests of a method, as pytest takes them."""
    checks = CHECKS[method]
    return [*([checks.loop] if checks.loop else []), *checks.formulas]


def commands_of(method: str) -> list[str]:
    """The commands that make a method's published lines again; of a method without a suite, one.

    Example:
        >>> commands_of("SMiB")
        ['avalanche-seg suite suites/voc-smib-report.toml']
    """
    lines = lines_of(method)
    names = dict(zip(("mib-paper", "smib-paper"), SUITES, strict=True))
    suites = dict.fromkeys(names[r] for r in (str(x.source.recipe) for x in lines) if r in names)
    if suites:
        return [f"avalanche-seg suite {suite}" for suite in suites]
    if not lines:
        return [
            f"avalanche-seg run --dataset voc --recipe {method.lower()}-paper --method {method}"
        ]
    line = lines[0]
    recipe = str(line.source.recipe)
    model = "" if "model" in RECIPES[recipe] else " --model deeplabv3"
    return [
        f"avalanche-seg run --dataset voc --recipe {recipe} --method {method}{model} --task "
        f"{line.task} --setting {line.setting}"
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 1 when a test fails, 2 for bad input; the page is then as it was.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.reproducibility", description=__doc__
    )
    parser.add_argument("--run", action="store_true", help="run every test that the page names")
    parser.add_argument(
        "--suite", nargs="+", type=Path, default=[], help="folders of suites or runs at full scale"
    )
    given = parser.parse_args(argv)
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    try:
        new = results_of(given.suite)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.suite and not new:
        print(
            "error: no finished run here has a published line on its data; expected runs on VOC or "
            "ADE20K by a published task and setting: pass their folders",
            file=sys.stderr,
        )
        return 2
    if given.run:
        tests = dict.fromkeys(test for method in METHODS for test in tests_of(method))
        if subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], cwd=ROOT).returncode:
            return 1
        record |= {"date": date.today().isoformat(), "torch": torch.__version__.partition("+")[0]}
    record["full_scale"] = _merged(record["full_scale"], new)
    for path, text in ((RECORD, json.dumps(record, indent=2) + "\n"), (PAGE, render(record))):
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(f"{PAGE.name} is written; {len(new)} results at full scale were taken in")
    return 0


def _merged(rows: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newer rows in place of older ones of the same run, in the order of task and method."""
    order = list(METHODS)
    by_run = {(row["task"], row["label"], row["source"]): row for row in (*rows, *new)}
    return sorted(by_run.values(), key=lambda row: (row["task"], order.index(row["method"])))


if __name__ == "__main__":
    sys.exit(main())
