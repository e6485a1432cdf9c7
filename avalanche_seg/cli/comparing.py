"""Compare runs: ``python -m experiments.compare runs/*``.

Prints a Markdown table (mean and standard deviation over seeds), and draws old / new / all by
method and the mIoU of all seen classes by step.
"""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from avalanche_seg.cli.options.options import NOT_DETERMINING
from avalanche_seg.system import atomic_write

__all__ = ["Row", "draw", "main", "markdown", "read_runs"]

GROUPS = ("old", "new", "all")


@dataclass(frozen=True)
class Row:
    """Runs that differ in their seed only.

    Attributes:
        label: the method and, where rows share it, what tells them apart.
        task: such as "15-5 overlapped".
        runs: the content of every run's results.json.
    """

    label: str
    task: str
    runs: tuple[dict[str, Any], ...]

    def final(self, group: str) -> list[float]:
        """The mIoU of a group after the last step, in percent, by run; undefined ones left out."""
        values = [run["steps"][-1]["means"][f"mIoU_{group}"] for run in self.runs]
        return [100 * value for value in values if value is not None]

    def by_step(self) -> list[float]:
        """The mIoU of all seen classes after every step, in percent, averaged over the runs."""
        curves = [[step["means"]["mIoU_all"] for step in run["steps"]] for run in self.runs]
        return [100 * statistics.mean(values) for values in zip(*curves, strict=True)]


def read_runs(folders: Sequence[Path]) -> list[Row]:
    """Read run folders and group those that differ in their seed only.

    Raises:
        ValueError: naming a folder without readable results, or whose results are unfinished beside
            others with the same settings.
    """
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    settings: dict[str, dict[str, Any]] = {}
    for folder in folders:
        config, results = _load(folder / "config.json"), _load(folder / "results.json")
        # A method's own arguments count like any other setting; the memory's size is in both.
        flat = config | config.get("method_options", {})
        same = {name: value for name, value in flat.items() if name not in _NOT_A_SETTING}
        key = json.dumps(same, sort_keys=True)
        if grouped[key] and len(grouped[key][0]["steps"]) != len(results["steps"]):
            raise ValueError(
                f"{folder} has results of {len(results['steps'])} steps, another run with the same "
                f"settings of {len(grouped[key][0]['steps'])}; leave the unfinished one out"
            )
        grouped[key].append(results)
        settings[key] = same
    labels = _labels(list(settings.values()))
    return [
        Row(label, f"{settings[key]['task']} {settings[key]['setting']}", tuple(runs))
        for (key, runs), label in zip(grouped.items(), labels, strict=True)
    ]


def markdown(rows: Sequence[Row]) -> str:
    """One table line a row: old, new, all (mIoU %, background left out), mean and deviation."""
    lines = ["| task | method | runs | old | new | all |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        cells = " | ".join(_mean_and_deviation(row.final(group)) for group in GROUPS)
        lines.append(f"| {row.task} | {row.label} | {len(row.runs)} | {cells} |")
    return "\n".join(lines)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw old / new / all by method as bars and mIoU by step as lines, a row of plots a task."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    figure = Figure(figsize=(12, 4 * len(tasks)), layout="constrained")
    grid = figure.subplots(len(tasks), 2, squeeze=False)
    for (bars, lines), task in zip(grid, tasks, strict=True):
        chosen = [row for row in rows if row.task == task]
        for offset, group in enumerate(GROUPS):
            values = [row.final(group) for row in chosen]
            bars.bar(
                [i + 0.27 * (offset - 1) for i in range(len(chosen))],
                [statistics.mean(v) if v else 0.0 for v in values],
                width=0.25,
                yerr=[statistics.stdev(v) if len(v) > 1 else 0.0 for v in values],
                label=group,
            )
        bars.set_xticks(range(len(chosen)), [row.label for row in chosen], rotation=20, ha="right")
        bars.set_ylabel("mIoU, %")
        bars.set_title(f"{task}: after the last step")
        bars.legend()
        for row in chosen:
            curve = row.by_step()
            if len(curve) == 1:  # Everything at once: a bound for every step.
                lines.axhline(curve[0], linestyle="--", color="grey", label=row.label)
            else:
                lines.plot(curve, marker="o", label=row.label)
        lines.set_xticks(range(max(len(row.by_step()) for row in chosen)))
        lines.set_xlabel("step")
        lines.set_title(f"{task}: all seen classes")
        lines.legend(fontsize=8)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.compare",
        description="Print a Markdown table of runs and draw them. Runs that differ in their seed "
        "only share a line: mean and standard deviation.",
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders")
    parser.add_argument(
        "--out", type=Path, default=Path("compare.png"), help="the picture (default: compare.png)"
    )
    given = parser.parse_args(argv)
    try:
        rows = read_runs(given.runs)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(markdown(rows))
    draw(rows, given.out)
    print(f"\npicture: {given.out}")
    return 0


_NOT_A_SETTING = (NOT_DETERMINING - {"data_root"}) | {
    *("random_seed", "seed", "resolved_device", "method_options", "n_exemplars"),
}


def _load(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); expected the folder of a run with at least one "
            "finished step"
        ) from error


def _labels(settings: Sequence[dict[str, Any]]) -> list[str]:
    """Each row's method, with the settings in which rows of the same method and task differ."""
    labels = []
    for mine in settings:
        alike = [
            other
            for other in settings
            if all(other[key] == mine[key] for key in ("method", "task", "setting"))
        ]
        differing = [key for key in mine if any(other.get(key) != mine[key] for other in alike)]
        details = ", ".join(f"{key} {mine[key]}" for key in differing)
        labels.append(f"{mine['method']} ({details})" if details else mine["method"])
    return labels


def _mean_and_deviation(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = f"{statistics.mean(values):.1f}"
    return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean
