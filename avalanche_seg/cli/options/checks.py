"""Values and combinations of flags that cannot work."""

import argparse
import os
from typing import Any

from avalanche_seg.cli.options.methods import FLAGS

__all__ = ["check"]

_AT_LEAST = {
    "epochs": 1, "batch_size": 2, "crop_size": 32, "num_workers": 0, "accumulate": 1, "step": 0,
    "val_interval": 1, "ckpt_iterations": 1, "print_interval": 1, "sample_num": 0,
    "lr_decay_step": 1,
}  # fmt: skip
_POSITIVE = ("lr", "lr_later")
_NOT_NEGATIVE = ("momentum", "weight_decay", "lr_power", "lr_decay_factor")


def check(given: argparse.Namespace, options: Any) -> None:
    """Look at the flags as given and at the complete options.

    Raises:
        ValueError: naming the flag, what was expected and what to do.
    """
    _check_numbers(given, options)
    if given.lr_later is not None and (options.method == "JOINT" or options.task == "offline"):
        raise ValueError(
            "--lr_later has no effect on --method JOINT or --task offline, which have one step; "
            "leave it out"
        )
    if given.no_mask and given.old_labels == "hidden":
        raise ValueError("--no_mask contradicts --old_labels hidden; pass one of them")
    if given.step_ckpt is not None and not given.step:
        raise ValueError(
            "--step_ckpt is the model of the step before --step, so it needs --step 1 or more; add "
            "that, or leave it out"
        )
    if given.step and options.method == "JOINT":
        raise ValueError("--method JOINT has step 0 alone; leave --step out")
    if given.ckpt is not None and not given.test:
        raise ValueError("--ckpt is the model that --test tests; add --test, or leave it out")
    if given.test and given.resume:
        raise ValueError("--test trains nothing that --resume could go on with; leave one out")


def _check_numbers(given: argparse.Namespace, options: Any) -> None:
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
    if given.exemplars_share is not None and not 0 < given.exemplars_share < 1:
        raise ValueError(f"--exemplars_share {given.exemplars_share}; expected between 0 and 1")
    for name, least in _AT_LEAST.items():
        value = getattr(options, name)
        if value is not None and value < least:
            raise ValueError(f"--{name} {value}; expected {least} or more")
    for name in _POSITIVE:
        if not 0 < getattr(options, name) < float("inf"):
            raise ValueError(f"--{name} {getattr(options, name)}; expected a positive number")
    for name in _NOT_NEGATIVE:
        if not 0 <= getattr(options, name) < float("inf"):
            raise ValueError(
                f"--{name} {getattr(options, name)}; expected a finite number, zero or more"
            )
    n_processes = int(os.environ.get("WORLD_SIZE", "1"))
    if options.batch_size % n_processes != 0:
        raise ValueError(
            f"--batch_size {options.batch_size} is over all {n_processes} processes; expected a "
            "multiple of their number"
        )
    share = options.batch_size // n_processes
    if share < 2 * options.accumulate:
        raise ValueError(
            f"--accumulate {options.accumulate} leaves parts of one image of the {share} images "
            "that a process has of a batch, and batch norm needs two; lower it, or raise "
            "--batch_size"
        )
    if n_processes > 1 and ":" in options.device:
        raise ValueError(
            f"--device {options.device} would put {n_processes} processes on one GPU; pass cuda, "
            "and each takes its own"
        )
