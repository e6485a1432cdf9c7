"""From the flags that were given to the complete settings of a run."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avalanche_seg.cli.options.checks import check, check_flags, n_processes
from avalanche_seg.cli.options.methods import FLAGS, METHODS, complete, default
from avalanche_seg.cli.options.options import SPECS, Options
from avalanche_seg.cli.options.original import check_implied, notes_on
from avalanche_seg.cli.options.own_data import check_own_data, guess
from avalanche_seg.cli.options.parser import read_flags
from avalanche_seg.cli.recipes import recipe, weights_of_task
from avalanche_seg.datasets import find_folder

__all__ = ["parse"]

_Values = dict[str, Any]
_FLAGGED = SPECS | FLAGS

_OF_DATASET: dict[str, _Values] = {
    "ade20k": {"task": "100-50"},
    "cityscapes": {"task": "13-6"},
    "cityscapes_domains": {"task": "11-5", "setting": "clean"},
}
"""Defaults of data sets that VOC's do not suit."""


def parse(argv: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Args:
        argv: the arguments; None takes the process's own.

    Raises:
        ValueError: for flags that contradict each other or values that cannot work.
        SystemExit: from argparse, for unknown flags and after ``--help``.
    """
    given = read_flags(sys.argv[1:] if argv is None else argv, _FLAGGED)
    method = given.get("method", SPECS["method"].default)
    if given.get("use_exemplars") and method == "MiB":
        method = "SMiB"  # The original spells it so.
    check_implied(given.pop("implied", ()), method)
    check_flags(given, method, _FLAGGED)
    dataset = given.get("dataset") or guess(given) or _dataset_of(given.get("data_root"))
    check_own_data(given, dataset)
    data_root = "data" if dataset == "voc" else f"data/{dataset}"
    defaults = {name: spec.default for name, spec in SPECS.items()}
    defaults |= {"data_root": data_root, "dataset": dataset, **_OF_DATASET.get(dataset, {})}
    if dataset == "synthetic":
        defaults |= {name: s.demo for name, s in SPECS.items() if s.demo is not None}
        defaults["weights"] = None
    task = given.get("task", defaults["task"])
    set_by_recipe = _recipe(given, method, task, dataset)
    by_task = weights_of_task(task, method) if dataset in ("voc", "synthetic") else {}
    values = {**defaults, **by_task, **set_by_recipe, **given, "method": method}
    values |= _derived(given, values)
    values["notes"] = [
        *_notes(given, method, set_by_recipe),
        *_notes_on_task(task, by_task, {**set_by_recipe, **given}),
        *notes_on(given, batch_size=values["batch_size"], n_processes=n_processes()),
    ]
    values["method_options"] = complete(method, values)
    options = Options(**{name: v for name, v in values.items() if name not in FLAGS})
    check(given, options)
    return options


def _dataset_of(data_root: str | None) -> str:
    if data_root is None:
        return "voc" if find_folder(Path("data")) else "synthetic"
    return "folder" if (Path(data_root) / "classes.txt").is_file() else "voc"


def _recipe(given: _Values, method: str, task: str, dataset: str) -> _Values:
    """What a recipe sets: the options that were not given, and no arguments of another network."""
    if "recipe" not in given:
        return {}
    values = recipe(given["recipe"], method=method, task=task, dataset=dataset)
    if given.get("model", values.get("model")) != values.get("model"):
        values.pop("model_args", None)
    return {name: value for name, value in values.items() if name not in given}


def _notes(given: _Values, method: str, set_by_recipe: _Values) -> list[str]:
    notes = []
    spelled = given.get("method", SPECS["method"].default)
    if spelled != method:
        notes.append(f"--method {spelled} with --use_exemplars is {method}")
    if set_by_recipe:
        told = (_FLAGGED[name].argv(value) for name, value in set_by_recipe.items())
        sets = ", ".join(" ".join(words) for words in told if words)
        notes.append(f"--recipe {given['recipe']} sets {sets}")
    return notes


def _notes_on_task(task: str, by_task: _Values, told: _Values) -> list[str]:
    return [
        f"--task {task} sets --{flag} {value:g}, as published and as the original does; other "
        "tasks have the method's default"
        for flag, value in by_task.items()
        if flag not in told
    ]


def _derived(given: _Values, values: _Values) -> _Values:
    """The options whose defaults depend on others."""
    replay = values["method"] == "SMiB" or bool(values["use_exemplars"])
    exemplars = given.get("exemplars", default("SMiB", "memory")) if replay else None
    shows = "hidden" if exemplars is None or values["strict"] else "visible"
    lr_later = values["lr_later"] or values["lr"] / 10
    epochs_later = values["epochs_later"] or values["epochs"]
    if given.get("step"):  # As in the original, they are the rate and the epochs of that step.
        lr_later = values["lr"] if "lr" in given else lr_later
        epochs_later = values["epochs"] if "epochs" in given else epochs_later
    # What is held out is there to be looked at.
    val_interval = 1 if values["cross_val"] else None
    return {
        "use_exemplars": replay,
        "exemplars": exemplars,
        "old_labels": given.get("old_labels", shows),
        "train_void": given.get("train_void", METHODS[values["method"]].train_void),
        "lr_later": given.get("lr_later", lr_later),
        "epochs_later": given.get("epochs_later", epochs_later),
        "val_interval": given.get("val_interval", val_interval),
    }
