"""The command line of ``python -m experiments.run``."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avalanche_seg.benchmarks.settings import SETTINGS
from avalanche_seg.models.backbones import BACKBONES

__all__ = ["METHODS", "Options", "parse"]

METHODS = ("FT", "MiB", "JOINT")
DATASETS = ("synthetic", "voc", "folder")

# Two sets of defaults: the published ones, and small ones for the made-up data set, so that the
# command without arguments shows everything in minutes on a CPU.
PUBLISHED: dict[str, Any] = {
    "epochs": 30, "lr": 0.01, "batch_size": 24, "crop_size": 512, "backbone": "resnet50",
    "weights": "imagenet",
}  # fmt: skip
DEMO: dict[str, Any] = {
    "epochs": 16, "lr": 0.05, "batch_size": 8, "crop_size": 96, "backbone": "resnet18",
    "weights": None,
}  # fmt: skip


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
    loss_kd: float
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
    given = _parser().parse_args(argv)
    dataset = given.dataset or _dataset_of(given.data_root)
    defaults = DEMO if dataset == "synthetic" else PUBLISHED

    def chosen(name: str) -> Any:
        value = getattr(given, name)
        return defaults[name] if value is None else value

    lr = chosen("lr")
    options = Options(
        dataset=dataset,
        data_root=given.data_root or f"data/{dataset}",
        task=given.task,
        method=given.method,
        setting=_setting(given),
        epochs=chosen("epochs"),
        lr=lr,
        lr_later=lr / 10 if given.lr_later is None else given.lr_later,
        batch_size=chosen("batch_size"),
        crop_size=chosen("crop_size"),
        backbone=chosen("backbone"),
        weights=_weights(given, defaults["weights"]),
        loss_kd=10.0 if given.loss_kd is None else given.loss_kd,
        random_seed=given.random_seed,
        num_workers=given.num_workers,
        device=given.device,
        logdir=given.logdir,
        name=given.name,
    )
    _check(given, options)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.run",
        description="Class-incremental semantic segmentation, every step in one go. Without "
        "arguments: MiB 15-5 on a small made-up VOC, which is written on the first run.",
        epilog="Results go to LOGDIR/NAME: config.json, metrics.csv, results.json, a safetensors "
        "model a step, TensorBoard events, predictions and plots.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )

    def both(name: str) -> str:
        return f"{PUBLISHED[name]}; {DEMO[name]} on synthetic"

    def default(text: str) -> str:
        return f"{text} (default: %s)"

    data = parser.add_argument_group("data")
    add = data.add_argument
    add("--data_root", default=argparse.SUPPRESS, help="folder of the data set "
        "(default: data/DATASET)")  # fmt: skip
    add("--dataset", choices=DATASETS, default=argparse.SUPPRESS, help="synthetic: the made-up "
        "VOC; voc: VOC 2012; folder: any VOC layout with a classes.txt (default: folder when "
        "DATA_ROOT holds a classes.txt, voc when there is another DATA_ROOT, else synthetic)",
        )  # fmt: skip
    add("--task", default="15-5", help="19-1, 15-5, 15-5s, 10-1, ... or offline")
    add("--setting", choices=SETTINGS, default=argparse.SUPPRESS, help="which images a step sees "
        "(default: disjoint)")  # fmt: skip
    add("--overlap", "--overlapped", action="store_true", default=argparse.SUPPRESS,
        help="short for --setting overlapped")  # fmt: skip
    add("--num_workers", type=int, default=0, help="processes that load data; 0: none")

    training = parser.add_argument_group("method and training")
    add = training.add_argument
    add("--method", type=_method, default="MiB", metavar="{" + ",".join(METHODS) + "}",
        help="fine-tuning, MiB, or all classes at once")  # fmt: skip
    add("--loss_kd", type=float, default=argparse.SUPPRESS, help="weight of MiB's distillation "
        "(default: 10)")  # fmt: skip
    for name, kind, text in (
        ("epochs", int, "epochs a step"),
        ("lr", float, "learning rate of step 0"),
        ("batch_size", int, "images a batch"),
        ("crop_size", int, "side of the training and test crops in pixels"),
    ):
        add(f"--{name}", type=kind, default=argparse.SUPPRESS, help=default(text) % both(name))
    add("--lr_later", type=float, default=argparse.SUPPRESS, help="learning rate of the later "
        "steps (default: a tenth of --lr)")  # fmt: skip
    add("--random_seed", type=int, default=42, help="seed of every random choice")
    add("--device", default="auto", help="cpu, cuda, cuda:1, ...; auto: cuda when there is one")

    model = parser.add_argument_group("model")
    add = model.add_argument
    add("--backbone", choices=tuple(BACKBONES), default=argparse.SUPPRESS,
        help=default("context path of BiSeNet") % both("backbone"))  # fmt: skip
    add("--no_pretrained", action="store_true", default=argparse.SUPPRESS,
        help="start the backbone from random weights (always so on synthetic)")  # fmt: skip
    add("--weights", default=argparse.SUPPRESS, help="'imagenet', or the path of a state dict of "
        "torchvision's backbone (default: imagenet; none on synthetic)")  # fmt: skip

    output = parser.add_argument_group("output")
    add = output.add_argument
    add("--logdir", default="runs", help="folder of all runs")
    add("--name", default=argparse.SUPPRESS, help="folder of this run, which must not exist "
        "(default: METHOD_TASK_SETTING_DATASET_sSEED, numbered when it exists)")  # fmt: skip
    # SUPPRESS above keeps argparse's help from repeating a default; the attribute is set here.
    parser.set_defaults(
        **{name: None for name in ("data_root", "dataset", "setting", "loss_kd", "lr_later")},
        **{name: None for name in ("backbone", "weights", "name")},
        **{name: None for name in ("epochs", "lr", "batch_size", "crop_size")},
        overlap=False,
        no_pretrained=False,
    )
    return parser


def _method(text: str) -> str:
    for method in METHODS:
        if text.lower() == method.lower():
            return method
    raise argparse.ArgumentTypeError(f"{text!r} is unknown; expected one of {', '.join(METHODS)}")


def _dataset_of(data_root: str | None) -> str:
    if data_root is None:
        return "synthetic"
    return "folder" if (Path(data_root) / "classes.txt").is_file() else "voc"


def _setting(given: argparse.Namespace) -> str:
    if given.overlap and given.setting not in (None, "overlapped"):
        raise ValueError(f"--overlap contradicts --setting {given.setting}; pass one of them")
    return "overlapped" if given.overlap else given.setting or "disjoint"


def _weights(given: argparse.Namespace, default: str | None) -> str | None:
    if given.no_pretrained and given.weights is not None:
        raise ValueError(f"--no_pretrained contradicts --weights {given.weights}; pass one of them")
    if given.no_pretrained:
        return None
    return default if given.weights is None else str(given.weights)


def _check(given: argparse.Namespace, options: Options) -> None:
    if given.loss_kd is not None and options.method != "MiB":
        raise ValueError(f"--loss_kd has no effect on --method {options.method}; leave it out")
    if given.lr_later is not None and options.method == "JOINT":
        raise ValueError("--lr_later has no effect on --method JOINT, which has one step")
    for name, least in (("epochs", 1), ("batch_size", 2), ("crop_size", 32), ("num_workers", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name} {getattr(options, name)}; expected {least} or more")
    for name in ("lr", "lr_later"):
        if not 0 < getattr(options, name) < float("inf"):
            raise ValueError(f"--{name} {getattr(options, name)}; expected a positive number")
