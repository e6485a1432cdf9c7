"""Values and combinations of flags that cannot work."""

import inspect
import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from avalanche_seg.benchmarks import DOMAIN_SPLITS
from avalanche_seg.cli.options.fields import Spec
from avalanche_seg.cli.options.options import SPECS, Options
from avalanche_seg.models import model_factory

__all__ = ["check", "check_flags", "n_processes"]

_Given = Mapping[str, Any]


def check_flags(given: _Given, method: str, specs: Mapping[str, Spec]) -> None:
    """Look at every flag that was given: its number, and whether the method has it.

    Raises:
        ValueError: naming the flag, what was expected and what to do.
    """
    for name, value in given.items():
        spec = specs[name]
        spec.check(value)
        if isinstance(value, str) and not value.strip():
            raise ValueError(f"{spec.flag} is empty; give it a value, or leave it out")
        if spec.methods is not None and method not in spec.methods:
            raise ValueError(
                f"{spec.flag} has no effect on --method {method}, only on "
                f"{', '.join(spec.methods)}; leave it out"
            )
        if spec.group == "exemplars" and method != "SMiB" and "use_exemplars" not in given:
            raise ValueError(
                f"{spec.flag} has no effect on --method {method} without --use_exemplars; add it, "
                "or leave both out"
            )


def check(given: _Given, options: Options) -> None:
    """Look at the complete options.

    Args:
        given: what the command line gave, by option.
        options: all of them.

    Raises:
        ValueError: naming the flag, what was expected and what to do.
    """
    for name, spec in SPECS.items():  # The later rate may be too small to be a number.
        spec.check(getattr(options, name))
    for name in ("lr_later", "epochs_later"):
        if name in given and (options.method == "JOINT" or options.task == "offline"):
            raise ValueError(
                f"--{name} has no effect on --method JOINT or --task offline, which have one step; "
                "leave it out"
            )
    for name in ("old_labels", "train_void"):
        if name in given and options.setting in DOMAIN_SPLITS:
            raise ValueError(
                f"--{name} has no effect on --setting {options.setting}, where steps are domains, "
                "all classes are shown and void stays void; leave it out"
            )
    accepted = inspect.signature(model_factory(options.model)).parameters
    for name in ("backbone", "weights"):
        if name in given and name not in accepted:
            raise ValueError(
                f"--{name} has no effect on --model {options.model}, whose arguments are "
                f"{', '.join(accepted)}; leave it out, or pass --model_args"
            )
    if options.strict and options.exemplars_labels == "visible":
        raise ValueError("--strict contradicts --exemplars_labels visible; leave one out")
    if options.step_ckpt is not None and options.step == 0:
        raise ValueError(
            "--step_ckpt is the model of the step before --step, and step 0 has none; leave it "
            "out, pass --step 1 or more, or leave --step out to train all steps after step 0"
        )
    if options.step_ckpt is not None and options.method == "JOINT":
        raise ValueError("--method JOINT has step 0 alone; leave --step_ckpt out")
    if options.step and options.method == "JOINT":
        raise ValueError("--method JOINT has step 0 alone; leave --step out")
    if options.ckpt is not None and not options.test:
        raise ValueError("--ckpt is the model that --test tests; add --test, or leave it out")
    if options.test and options.resume:
        raise ValueError("--test trains nothing that --resume could go on with; leave one out")
    if options.freeze and options.freeze_body:
        raise ValueError("--freeze freezes the backbone too; leave --freeze_body out")
    if options.name is not None:
        _check_name(options.name)
    _check_processes(options)


def _check_name(name: str) -> None:
    """Refuse a name whose folder would be the log folder itself, or lie outside it."""
    path = PurePath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or not name.isprintable():
        raise ValueError(
            f"--name {name!a} is no folder inside that of all runs; expected a name such as "
            "mine or tries/mine: name the other folder by --logdir"
        )


def n_processes() -> int:
    """How many processes ``torchrun`` started; 1 without it.

    Raises:
        ValueError: when the environment tells no number.
    """
    told = os.environ.get("WORLD_SIZE", "1")
    if not (told.isascii() and told.isdecimal() and int(told) > 0):
        raise ValueError(
            f"the environment has WORLD_SIZE={told!r}; expected the number of processes, 1 or "
            "more: unset it, or let torchrun set it"
        )
    return int(told)


def _check_processes(options: Options) -> None:
    number = n_processes()
    if options.batch_size % number != 0:
        raise ValueError(
            f"--batch_size {options.batch_size} is over all {number} processes; expected a "
            "multiple of their number"
        )
    share = options.batch_size // number
    if share < 2 * options.micro_batches:
        raise ValueError(
            f"--micro_batches {options.micro_batches} leaves parts of one image of the {share} "
            "images that a process has of a batch, and batch norm needs two; lower it, or raise "
            "--batch_size"
        )
    if number > 1 and ":" in options.device:
        raise ValueError(
            f"--device {options.device} would put {number} processes on one GPU; pass cuda, "
            "and each takes its own"
        )
