"""The flags of the original research code, MiB's and SMiB's, that are no options here.

Each is refused with what to use instead, or stands for a part that its method has anyway; lines
that work in both and mean different things get a note. docs/differences.md lists all of them.
"""

import argparse
import os
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["IMPLIED", "REFUSED", "add_flags", "check_implied", "notes_on"]

IMPLIED = {
    "unce": ("the unbiased cross entropy", ("MiB", "EWF")),
    "unkd": ("the unbiased distillation", ("MiB", "SMiB", "EWF")),
    "init_balanced": (
        "the balanced initialisation",
        ("MiB", "SMiB", "PLOP", "EWF", "EWF-PLOP", "LGKD"),
    ),
    "bce": ("the binary cross entropy", ("LWF-MC",)),
    "icarl": ("iCaRL's binary distillation", ("LWF-MC",)),
}
"""Switches that set a part of a method: what it is, and the methods that have it."""

REFUSED = {
    "icarl_disjoint": "LWF-MC adds its distillation to the cross entropy of all classes, as "
    "published; for another objective pass ICaRLDistillationPlugin to FineTuning in Python",
    "icarl_bkg": "it belongs to --icarl_disjoint, which is not here; use --method LWF-MC, whose "
    "background is that of the labels",
    "regularizer": "use --method EWC, --method RW or --method PI",
    "reg_no_normalize": "importances are normalised, as published; --reg_importance scales them",
    "col_exemplars": "exemplars are drawn at the end of every step by themselves; use --method "
    "SMiB, or --use_exemplars with another method",
    "val_on_trainset": "tests are on the test set; --cross_val holds a fifth of the training "
    "images out and validates on them",
    "num_classes": "the data set and --task tell the number of classes; leave it out",
    "output_stride": "use --model deeplabv3 --model_args output_stride=8 (or 16)",
    "pooling": "use --model deeplabv3 --model_args pooling_window=32",
    "norm_act": "use --model_args activation=leaky_relu of deeplabv3, which --recipe mib-paper "
    "sets, and --sync_bn for statistics over all GPUs",
    "fusion_mode": "it has no effect in the original either; leave it out",
    "visualize": "it switches TensorBoard off there; use --loggers csv, or --sample_num 0 for no "
    "pictures",
    "ckpt_interval": "the state is saved after every epoch; --ckpt_iterations saves it more often",
}
"""What to use instead of a flag."""


class _Refuse(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, flag: str | None = None) -> None:
        raise ValueError(f"{flag} of the original code is not here: {REFUSED[self.dest]}")


class _CheckRank(argparse.Action):
    """An older launcher passes what the environment tells too."""

    def __call__(self, parser: Any, namespace: Any, values: Any, flag: str | None = None) -> None:
        told = os.environ.get("LOCAL_RANK", "0")
        if values != told:
            raise ValueError(
                f"{flag} {values}, and the environment has LOCAL_RANK {told}; start processes by "
                "torchrun, and leave it out"
            )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Let a parser know the flags; ``--help`` does not show them.

    Those of :data:`IMPLIED` that are given are a list under "implied" in what it parses.
    """
    for name in REFUSED:
        parser.add_argument(f"--{name}", nargs="?", action=_Refuse, help=argparse.SUPPRESS)
    for name in IMPLIED:
        parser.add_argument(
            f"--{name}", dest="implied", action="append_const", const=name, help=argparse.SUPPRESS
        )
    parser.add_argument("--local_rank", action=_CheckRank, help=argparse.SUPPRESS)


def check_implied(names: Collection[str], method: str) -> None:
    """Raise a ValueError for a part that a method does not have.

    Args:
        names: of :data:`IMPLIED`.
        method: as on the command line.

    Example:
        >>> check_implied(["unce", "unkd"], "MiB")
    """
    for name in names:
        part, methods = IMPLIED[name]
        if method not in methods:
            raise ValueError(
                f"--{name}: {part} is a part of --method {', '.join(methods)}, and none of {method}"
                "; pass one of them, or leave it out"
            )


def notes_on(given: Mapping[str, Any], *, batch_size: int, n_processes: int) -> list[str]:
    """What to know of flags that the original takes too and that mean something else there.

    Args:
        given: the options of the command line, by name.
        batch_size: of the run.
        n_processes: of the run.
    """
    notes = []
    if n_processes > 1:
        notes.append(
            f"--batch_size {batch_size} is over all {n_processes} processes, "
            f"{batch_size // n_processes} for each; the original's is for each"
        )
    if given.get("fix_bn") and not given.get("fix_bn_affine"):
        notes.append(
            "--fix_bn keeps batch norm's statistics and trains its weights; the original's keeps "
            "the weights and lets the statistics move: that is --fix_bn_affine"
        )
    if given.get("freeze"):
        notes.append(
            "--freeze trains the classifiers alone; the original's trains all but the backbone: "
            "that is --freeze_body"
        )
    return notes
