"""A run's settings, from the command line to the complete set."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.methods import FLAGS, complete
from experiments.parser import DEMO, PUBLISHED, default_exemplars, make_parser

__all__ = ["Options", "parse"]


@dataclass(frozen=True)
class Options:
    """A run's settings, complete: what config.json holds."""

    dataset: str
    data_root: str
    task: str
    method: str
    setting: str
    epochs: int
    lr: float
    lr_later: float
    batch_size: int
    crop_size: int
    backbone: str
    weights: str | None
    method_options: dict[str, Any]
    exemplars: int | None
    old_labels: str
    random_seed: int
    num_workers: int
    device: str
    logdir: str
    name: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def parse(argv: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Args:
        argv: the arguments; None takes the process's own.

    Raises:
        ValueError: for flags that contradict each other or values that cannot work.
        SystemExit: from argparse, for unknown flags and after ``--help``.
    """
    given = make_parser().parse_args(argv)
    dataset = given.dataset or _dataset_of(given.data_root)
    defaults = DEMO if dataset == "synthetic" else PUBLISHED

    def chosen(name: str) -> Any:
        value = getattr(given, name)
        return defaults[name] if value is None else value

    lr = chosen("lr")
    method, exemplars = _exemplars(given)
    method_options = complete(method, {flag: getattr(given, flag) for flag in FLAGS})
    if method == "SMiB":
        method_options |= {"n_exemplars": exemplars, "seed": given.random_seed}
    options = Options(
        dataset=dataset,
        data_root=given.data_root or f"data/{dataset}",
        task=given.task,
        method=method,
        setting=_setting(given),
        epochs=chosen("epochs"),
        lr=lr,
        lr_later=lr / 10 if given.lr_later is None else given.lr_later,
        batch_size=chosen("batch_size"),
        crop_size=chosen("crop_size"),
        backbone=chosen("backbone"),
        weights=_weights(given, defaults["weights"]),
        method_options=method_options,
        exemplars=exemplars,
        old_labels=given.old_labels or ("hidden" if exemplars is None else "visible"),
        random_seed=given.random_seed,
        num_workers=given.num_workers,
        device=given.device,
        logdir=given.logdir,
        name=given.name,
    )
    _check(given, options)
    return options


def _dataset_of(data_root: str | None) -> str:
    if data_root is None:
        return "synthetic"
    return "folder" if (Path(data_root) / "classes.txt").is_file() else "voc"


def _setting(given: argparse.Namespace) -> str:
    if given.overlap and given.setting not in (None, "overlapped"):
        raise ValueError(f"--overlap contradicts --setting {given.setting}; pass one of them")
    return "overlapped" if given.overlap else given.setting or "disjoint"


def _exemplars(given: argparse.Namespace) -> tuple[str, int | None]:
    """The method, and how many exemplars a class it replays; None for no replay."""
    method, size = given.method, given.exemplars_size
    if given.use_exemplars and method == "JOINT":
        raise ValueError("--use_exemplars has no effect on --method JOINT; leave it out")
    if size is not None and size < 0:
        raise ValueError(f"--exemplars_size {size}; expected zero or more")
    if method != "SMiB" and not given.use_exemplars:
        if size is not None:
            raise ValueError(
                f"--exemplars_size has no effect on --method {method} without --use_exemplars; add "
                "it, or leave both out"
            )
        return method, None
    # The original spells SMiB as MiB with exemplars.
    return "SMiB" if method == "MiB" else method, default_exemplars() if size is None else size


def _weights(given: argparse.Namespace, default: str | None) -> str | None:
    if given.no_pretrained and given.weights is not None:
        raise ValueError(f"--no_pretrained contradicts --weights {given.weights}; pass one of them")
    if given.no_pretrained:
        return None
    return default if given.weights is None else str(given.weights)


def _check(given: argparse.Namespace, options: Options) -> None:
    for flag in FLAGS:
        value = getattr(given, flag)
        if value is not None and not 0 <= value < float("inf"):
            raise ValueError(f"--{flag} {value}; expected a finite number, zero or more")
    if given.reg_alpha is not None and given.reg_alpha > 1:
        raise ValueError(f"--reg_alpha {given.reg_alpha}; expected 0 to 1")
    if given.reg_iterations == 0:
        raise ValueError("--reg_iterations 0; expected one or more")
    if not 0 <= options.random_seed < 2**32:
        raise ValueError(f"--random_seed {options.random_seed}; expected 0 to {2**32 - 1}")
    if given.lr_later is not None and (options.method == "JOINT" or options.task == "offline"):
        raise ValueError(
            "--lr_later has no effect on --method JOINT or --task offline, which have one step; "
            "leave it out"
        )
    for name, least in (("epochs", 1), ("batch_size", 2), ("crop_size", 32), ("num_workers", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name} {getattr(options, name)}; expected {least} or more")
    for name in ("lr", "lr_later"):
        if not 0 < getattr(options, name) < float("inf"):
            raise ValueError(f"--{name} {getattr(options, name)}; expected a positive number")
