"""The command line of ``python -m experiments.run``."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from avalanche_seg.cli.options.defaults import default_text
from avalanche_seg.cli.options.flags import (
    add_data,
    add_exemplars,
    add_method,
    add_model,
    add_training,
)
from avalanche_seg.cli.running.loggers import LOGGERS, LoggersAction
from avalanche_seg.training import AMP_MODES

__all__ = ["make_parser", "normalize_flags"]


def normalize_flags(argv: Sequence[str]) -> list[str]:
    """The arguments with every flag spelled with underscores, as the parser knows them.

    Example:
        >>> normalize_flags(["--data-root", "my-data", "--step-ckpt=a-b"])
        ['--data_root', 'my-data', '--step_ckpt=a-b']
    """
    spelled = []
    for text in argv:
        flag, equals, value = text.partition("=")
        if flag.startswith("--"):
            text = "--" + flag[2:].replace("-", "_") + equals + value
        spelled.append(text)
    return spelled


class _Parser(argparse.ArgumentParser):
    """Names the flag that an unknown one may have meant."""

    def error(self, message: str) -> NoReturn:
        for word in message.split():
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            if "unrecognized" in message and (close := get_close_matches(word, known, n=1)):
                message += f"; did you mean {close[0]}?"
        super().error(f"{message} (--help lists the flags)")


def make_parser() -> argparse.ArgumentParser:
    """The parser; flags whose default depends on others are None when not given."""
    parser = _Parser(
        prog="python -m experiments.run",
        description="Class-incremental semantic segmentation, every step in one go. Without "
        "arguments: MiB 15-5 on a small made-up VOC, which is written on the first run.",
        epilog="Results go to LOGDIR/NAME: config.json, metrics.csv, results.json, a safetensors "
        "model a step, logs, predictions and plots. Flags may be spelled with - or _.",
        allow_abbrev=False,
    )
    add_data(parser.add_argument_group("data"))
    add_method(parser.add_argument_group("method"))
    add_exemplars(parser.add_argument_group("exemplars"))
    add_training(parser.add_argument_group("training"))
    add_model(parser.add_argument_group("model"))
    _add_steps(parser.add_argument_group("steps, resuming, testing"))
    _add_speed(parser.add_argument_group("speed and memory"))
    _add_output(parser.add_argument_group("output"))
    return parser


def _add_steps(group: Any) -> None:
    group.add_argument("--step", type=int, help="run this step alone (default: all, in one go)")
    group.add_argument(
        "--step_ckpt",
        help="model to start --step from (default: LOGDIR/NAME/models/stepK.safetensors of the "
        "step before)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run of this name after its last finished epoch, to the same weights "
        "bit for bit; a run that was not begun is begun",
    )
    group.add_argument(
        "--test", action="store_true", help="train nothing, test the saved models of the run"
    )
    group.add_argument("--ckpt", help="with --test: the one model to test")
    group.add_argument(
        "--val_interval",
        type=int,
        help="epochs between two evaluations while a step trains (default: none)",
    )
    group.add_argument(
        "--ckpt_iterations",
        type=int,
        help="save the state within epochs too, every so many iterations (default: every epoch)",
    )


def _add_speed(group: Any) -> None:
    group.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)"
    )
    group.add_argument(
        "--num_workers", type=int, default=0, help="processes that load data (default: 0, none)"
    )
    group.add_argument(
        "--amp", choices=AMP_MODES, help=f"mixed precision of the networks {default_text('amp')}"
    )
    group.add_argument(
        "--channels_last",
        action="store_true",
        default=True,
        help="keep images and weights channels last (default: yes)",
    )
    group.add_argument(
        "--no_channels_last", dest="channels_last", action="store_false", help="keep them first"
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="compile the network with torch.compile, which needs a C++ compiler on the CPU",
    )
    group.add_argument(
        "--accumulate",
        type=int,
        default=1,
        help="compute every batch in so many parts, for less memory (default: 1)",
    )


def _add_output(group: Any) -> None:
    group.add_argument("--logdir", default="runs", help="folder of all runs (default: runs)")
    group.add_argument(
        "--name",
        help="folder of this run, which must not exist unless --step, --resume or --test is given "
        "(default: METHOD_TASK_SETTING_DATASET_sSEED, numbered when it exists)",
    )
    group.add_argument(
        "--print_interval",
        type=int,
        default=10,
        help="iterations between two readings of the loss (default: 10)",
    )
    group.add_argument(
        "--sample_num", type=int, default=6, help="predictions drawn after a step (default: 6)"
    )
    group.add_argument(
        "--loggers",
        nargs="+",
        action=LoggersAction,
        default=("tensorboard", "csv"),
        metavar="NAME",
        help=f"where numbers and pictures go: {', '.join(LOGGERS)}, or none; with commas or spaces "
        "between. wandb is offline unless WANDB_API_KEY or WANDB_MODE is set (default: "
        "tensorboard,csv)",
    )
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")
