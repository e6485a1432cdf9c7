"""A run's settings, from the command line to the complete set."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avalanche_seg.benchmarks import OldLabels, Setting
from avalanche_seg.cli.options.checks import check
from avalanche_seg.cli.options.defaults import DEMO, PUBLISHED, default_exemplars
from avalanche_seg.cli.options.methods import FLAGS, complete
from avalanche_seg.cli.options.parser import make_parser, normalize_flags
from avalanche_seg.cli.options.recipes import recipe
from avalanche_seg.datasets import find_folder

__all__ = ["NOT_DETERMINING", "Options", "parse"]


@dataclass(frozen=True)
class Options:
    """A run's settings, complete: what config.json holds."""

    dataset: str
    data_root: str
    task: str
    method: str
    setting: Setting
    old_labels: OldLabels
    cross_val: bool
    crop_val: bool
    cache_images: bool
    recipe: str | None
    method_options: dict[str, Any]
    exemplars: int | None
    exemplars_options: dict[str, Any]
    epochs: int
    batch_size: int
    crop_size: int
    lr: float
    lr_later: float
    momentum: float
    weight_decay: float
    lr_policy: str
    lr_power: float
    lr_decay_step: int
    lr_decay_factor: float
    random_seed: int
    backbone: str
    weights: str | None
    fix_bn: bool
    sync_bn: bool
    freeze: bool
    step: int | None
    step_ckpt: str | None
    resume: bool
    test: bool
    ckpt: str | None
    val_interval: int | None
    ckpt_iterations: int | None
    device: str
    num_workers: int
    amp: str
    channels_last: bool
    compile: bool
    accumulate: int
    logdir: str
    name: str | None
    print_interval: int
    sample_num: int
    loggers: tuple[str, ...]
    debug: bool
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def determining(self) -> dict[str, Any]:
        """The settings that a run's weights depend on: what resuming must not change."""
        return {
            name: value for name, value in self.as_dict().items() if name not in NOT_DETERMINING
        }


NOT_DETERMINING = frozenset({
    "data_root", "cache_images", "step", "step_ckpt", "resume", "test", "ckpt", "val_interval",
    "ckpt_iterations", "device", "num_workers", "notes", "logdir", "name", "print_interval",
    "sample_num", "loggers", "debug", "recipe",
})  # fmt: skip
"""Settings that no weight depends on; the data are compared by their fingerprint."""


def parse(argv: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Args:
        argv: the arguments; None takes the process's own.

    Raises:
        ValueError: for flags that contradict each other or values that cannot work.
        SystemExit: from argparse, for unknown flags and after ``--help``.
    """
    given = make_parser().parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
    dataset = given.dataset or _dataset_of(given.data_root)
    data_root = given.data_root or ("data" if dataset == "voc" else f"data/{dataset}")
    defaults = dict(DEMO if dataset == "synthetic" else PUBLISHED)
    notes = []
    method, exemplars = _exemplars(given)
    if method != given.method:
        notes.append(f"--method {given.method} with --use_exemplars is {method}")
    if given.recipe is not None:
        values = recipe(given.recipe, method=method, task=given.task)
        decided = {"weights": given.no_pretrained, "setting": given.overlap}
        values = {
            name: value
            for name, value in values.items()
            if getattr(given, name) is None and not decided.get(name)
        }
        sets = ", ".join(f"--{name} {value}" for name, value in values.items())
        notes.append(f"--recipe {given.recipe} sets {sets}")
        defaults |= values

    def chosen(name: str) -> Any:
        value = getattr(given, name)
        return defaults.get(name) if value is None else value

    lr, seed = chosen("lr"), chosen("random_seed")
    method_options = complete(method, {flag: chosen(flag) for flag in FLAGS})
    exemplars_options = _exemplars_options(given, method, exemplars)
    if method == "SMiB":
        method_options |= {"n_exemplars": exemplars, "seed": seed, **exemplars_options}
    old_labels = "visible" if given.no_mask else given.old_labels
    shows = "hidden" if exemplars is None or given.strict else "visible"
    values = {name: chosen(name) for name in PUBLISHED} | {
        "dataset": dataset,
        "data_root": data_root,
        "task": given.task,
        "method": method,
        "setting": _setting(given, defaults["setting"]),
        "old_labels": old_labels or shows,
        "method_options": method_options,
        "exemplars": exemplars,
        "exemplars_options": exemplars_options,
        "lr_later": _lr_later(given, lr, defaults),
        "weights": _weights(given, defaults["weights"]),
        "notes": notes,
    }
    if given.cross_val and given.val_interval is None:
        given.val_interval = 1  # What is held out is there to be looked at.
    taken_as_given = {name: getattr(given, name) for name in _TAKEN_AS_GIVEN}
    options = Options(**values, **taken_as_given)
    check(given, options)
    return options


_TAKEN_AS_GIVEN = (
    "cross_val", "crop_val", "cache_images", "recipe", "fix_bn", "sync_bn", "freeze", "step",
    "step_ckpt", "resume", "test", "ckpt", "val_interval", "ckpt_iterations", "device",
    "num_workers", "channels_last", "compile", "accumulate", "logdir", "name", "print_interval",
    "sample_num", "loggers", "debug",
)  # fmt: skip


def _dataset_of(data_root: str | None) -> str:
    if data_root is None:
        return "voc" if find_folder(Path("data")) else "synthetic"
    return "folder" if (Path(data_root) / "classes.txt").is_file() else "voc"


def _lr_later(given: argparse.Namespace, lr: float, defaults: dict[str, Any]) -> float:
    if given.lr_later is not None:
        return float(given.lr_later)
    if given.step and given.lr is not None:  # As in the original: the rate of that step.
        return lr
    return float(defaults.get("lr_later", lr / 10))


def _setting(given: argparse.Namespace, default: str) -> str:
    if given.overlap and given.setting not in (None, "overlapped"):
        raise ValueError(f"--overlap contradicts --setting {given.setting}; pass one of them")
    return "overlapped" if given.overlap else given.setting or default


def _exemplars(given: argparse.Namespace) -> tuple[str, int | None]:
    """The method, and how many exemplars a class it replays; None for no replay."""
    method, size = given.method, given.exemplars_size
    if given.use_exemplars and method == "JOINT":
        raise ValueError("--use_exemplars has no effect on --method JOINT; leave it out")
    if size is not None and size < 0:
        raise ValueError(f"--exemplars_size {size}; expected zero or more")
    if method == "SMiB" or given.use_exemplars:
        # The original spells SMiB as MiB with exemplars.
        return "SMiB" if method == "MiB" else method, default_exemplars() if size is None else size
    for name in ("size", "selection", "labels", "update", "share"):
        if getattr(given, f"exemplars_{name}") is not None:
            raise ValueError(
                f"--exemplars_{name} has no effect on --method {method} without --use_exemplars; "
                "add it, or leave both out"
            )
    return method, None


def _exemplars_options(
    given: argparse.Namespace, method: str, exemplars: int | None
) -> dict[str, Any]:
    """Arguments of the memory and its plugin, those that were given."""
    if given.strict and method != "SMiB":
        raise ValueError(f"--strict has no effect on --method {method}, only on SMiB; leave it out")
    if given.strict and given.exemplars_labels == "visible":
        raise ValueError("--strict contradicts --exemplars_labels visible; leave one out")
    if exemplars is None:
        return {}
    chosen = {
        name: getattr(given, f"exemplars_{name}")
        for name in ("selection", "labels", "update", "share")
    }
    return {
        **{name: value for name, value in chosen.items() if value is not None},
        **({"strict": True} if given.strict else {}),
    }


def _weights(given: argparse.Namespace, default: str | None) -> str | None:
    if given.no_pretrained and given.weights is not None:
        raise ValueError(f"--no_pretrained contradicts --weights {given.weights}; pass one of them")
    if given.no_pretrained:
        return None
    return default if given.weights is None else str(given.weights)
