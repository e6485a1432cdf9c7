"""Run folders read back, and refused in one sentence where they are not what a run writes."""

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avalanche_seg.cli.groups import Section, labelled
from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.options.options import SPECS
from avalanche_seg.cli.runs import Run, legend_file

__all__ = ["read_legend", "read_sections"]


def read_sections(folders: Sequence[Path]) -> list[Section]:
    """Read run folders; a folder given twice counts once.

    Args:
        folders: of runs, or of suites (with a ``suite.json``), which stand for the runs in their
            ``runs/`` that have results. Of those that share their settings a suite's unfinished
            ones are left out, with a warning.

    Raises:
        ValueError: naming a folder without readable results, or whose results are unfinished beside
            others with the same settings.
    """
    by_task: dict[tuple[str, str], dict[str, list[Run]]] = {}
    for run in _without_unfinished([run for folder in folders for run in _runs_of(folder)]):
        task = (run.data, f"{run.config['task']} {run.config['setting']}")
        alike = by_task.setdefault(task, {}).setdefault(run.key(), [])
        if alike and len(alike[0].steps) != len(run.steps):
            raise ValueError(
                f"{run.folder} has results of {len(run.steps)} steps, another run with the same "
                f"settings of {len(alike[0].steps)}; leave the unfinished one out"
            )
        alike.append(run)
    return [
        Section(data, task, tuple(labelled(list(groups.values()))))
        for (data, task), groups in by_task.items()
    ]


def _runs_of(folder: Path) -> list[tuple[Run, bool]]:
    """The runs of a folder, each with whether it is one of a suite's."""
    if not (folder / "suite.json").is_file():
        return [(_read(folder), False)]
    # A run without results is not begun, or was stopped in its first step.
    found = [_read(path.parent) for path in sorted(folder.glob("runs/*/results.json"))]
    if not found:
        raise ValueError(
            f"{folder} is a suite without a run that has results; expected runs/NAME/results.json: "
            "run the suite first, or leave it out"
        )
    place = {method: number for number, method in enumerate(METHODS)}
    found.sort(key=lambda run: place.get(run.config["method"], len(place)))
    return [(run, True) for run in found]


def _without_unfinished(runs: Sequence[tuple[Run, bool]]) -> list[Run]:
    """Every run once, without those of suites that have fewer steps than another like them."""
    most: dict[tuple[str, str], int] = {}
    for run, _ in runs:
        alike = (run.data, run.key())
        most[alike] = max(len(run.steps), most.get(alike, 0))
    chosen: dict[Path, Run] = {}
    for run, in_suite in runs:
        missing = most[run.data, run.key()] - len(run.steps)
        if in_suite and missing:
            warnings.warn(
                f"{run.folder} is left out: it has {len(run.steps)} steps, {missing} fewer than "
                "another run with the same settings",
                stacklevel=3,
            )
        else:
            chosen.setdefault(run.folder.resolve(), run)
    return list(chosen.values())


def read_legend(run: Path) -> list[tuple[str, tuple[int, ...]]]:
    """The names and colours of a run's pictures; empty for a run that has none.

    Raises:
        ValueError: naming the file when it is no object of colours.
    """
    path = legend_file(run)
    if not path.is_file():
        return []
    found = []
    for name, colour in _load(path).items():
        whole = isinstance(colour, list) and all(type(part) is int for part in colour)
        if not (whole and len(colour) == 3):
            raise ValueError(
                f"{path}: the colour of {name!r} is {colour!r}; expected three integers: leave the "
                "file out"
            )
        found.append((name, tuple(colour)))
    return found


def _read(folder: Path) -> Run:
    """One run.

    Raises:
        ValueError: naming the file that is missing, no JSON, or not what a run writes.
    """
    config, results = _load(folder / "config.json"), _load(folder / "results.json")
    needed = ["method", "task", "setting"]
    needed += ["data_root"] if config.get("dataset") == "folder" else []
    missing = [key for key in needed if not isinstance(config.get(key), str)]
    if missing:
        raise ValueError(
            f"{folder / 'config.json'} has no {' and no '.join(missing)}; pass the folder of a run"
        )
    kinds = _KINDS | {name: spec.kind for name, spec in SPECS.items()}
    for key, value in config.items():
        expected = _EXPECTED[kinds.get(key, object)]
        if value is not None and not expected.fits(value):
            raise ValueError(
                f"{folder / 'config.json'}: {key} is {_short(value)}; expected {expected.told}: "
                "pass the folder of a run"
            )
    steps = results.get("steps")
    if not isinstance(steps, list) or not steps:
        raise ValueError(
            f"{folder / 'results.json'} holds no finished step; expected one or more: leave it out"
        )
    if not _is_number(results.get("seconds", 0)):
        raise ValueError(
            f"{folder / 'results.json'}: seconds is {results['seconds']!r}; expected a number: "
            "leave the folder out"
        )
    peaks = results.get("peak_memory") or {}
    if not (isinstance(peaks, dict) and all(map(_is_number, peaks.values()))):
        raise ValueError(
            f"{folder / 'results.json'}: peak_memory is {_short(peaks)}; expected bytes by kind: "
            "leave the folder out"
        )
    for number, step in enumerate(steps):
        problem = _problem(step) or _gap(step, number)
        if problem:
            raise ValueError(
                f"{folder / 'results.json'}, step {number}: {problem}; expected what a run writes: "
                "leave the folder out"
            )
    return Run(folder, config, results)


def _gap(step: dict[str, Any], number: int) -> str | None:
    """What is wrong with the number that a step gives itself; the oldest runs give none."""
    told = step.get("step", number)
    return None if told == number else f"it is step {_short(told)}, so an earlier one is missing"


def _problem(step: object) -> str | None:
    """What is wrong with a step of results.json."""
    if not isinstance(step, dict) or "means" not in step:
        return "no means"
    for part in ("means", "iou"):
        values = step.get(part, {})
        if not isinstance(values, dict):
            return f"{part} is no object"
        for name, value in values.items():
            if value is not None and not _is_number(value):
                return f"{part} of {name!r} is {value!r}, no number"
    return None


class _Expected(NamedTuple):
    told: str
    fits: Callable[[Any], bool]


_EXPECTED = {
    str: _Expected("text", lambda value: isinstance(value, str)),
    bool: _Expected("true or false", lambda value: isinstance(value, bool)),
    int: _Expected("a whole number", lambda value: isinstance(value, int) and _is_number(value)),
    float: _Expected("a number", lambda value: _is_number(value)),
    tuple: _Expected(
        "a list of names",
        lambda value: isinstance(value, list) and all(isinstance(word, str) for word in value),
    ),
    dict: _Expected("an object", lambda value: isinstance(value, dict)),
    object: _Expected("anything", lambda value: True),
}
# Settings that no flag of their own gives, and those of earlier versions.
_KINDS: dict[str, type] = {"method_options": dict, "exemplars_options": dict, "notes": object}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_number(value: object) -> bool:
    # Neither true nor false, and nothing that no float can hold.
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # Refuses halves of letters.
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); expected the folder of a run with at least one "
            "finished step: pass one, or leave it out"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object; pass the folder of a run")
    return content
