"""The flags of ``python -m experiments.run``."""

import argparse
from typing import Any

from avalanche_seg.benchmarks.settings import OLD_LABELS, SETTINGS
from avalanche_seg.models.backbones import BACKBONES
from experiments.methods import FLAGS, METHODS, default

__all__ = ["DEMO", "PUBLISHED", "default_exemplars", "make_parser"]

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


def make_parser() -> argparse.ArgumentParser:
    """The parser; flags whose default depends on the data set are None when not given."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.run",
        description="Class-incremental semantic segmentation, every step in one go. Without "
        "arguments: MiB 15-5 on a small made-up VOC, which is written on the first run.",
        epilog="Results go to LOGDIR/NAME: config.json, metrics.csv, results.json, a safetensors "
        "model a step, TensorBoard events, predictions and plots.",
        allow_abbrev=False,
    )
    _add_data(parser.add_argument_group("data"))
    _add_training(parser.add_argument_group("method and training"))
    _add_model(parser.add_argument_group("model"))
    output = parser.add_argument_group("output")
    output.add_argument("--logdir", default="runs", help="folder of all runs (default: runs)")
    output.add_argument(
        "--name",
        help="folder of this run, which must not exist (default: "
        "METHOD_TASK_SETTING_DATASET_sSEED, numbered when it exists)",
    )
    return parser


def _add_data(group: Any) -> None:
    group.add_argument("--data_root", help="folder of the data set (default: data/DATASET)")
    group.add_argument(
        "--dataset",
        choices=DATASETS,
        help="synthetic: the made-up VOC; voc: VOC 2012; folder: any VOC layout with a classes.txt "
        "(default: folder when DATA_ROOT holds a classes.txt, voc when there is another DATA_ROOT, "
        "else synthetic)",
    )
    group.add_argument(
        "--task", default="15-5", help="19-1, 15-5, 15-5s, 10-1, ... or offline (default: 15-5)"
    )
    group.add_argument(
        "--setting",
        choices=SETTINGS,
        help="which images a step sees; JOINT sees all (default: disjoint)",
    )
    group.add_argument(
        "--overlap", "--overlapped", action="store_true", help="short for --setting overlapped"
    )
    group.add_argument(
        "--num_workers", type=int, default=0, help="processes that load data (default: 0, none)"
    )


def _add_training(group: Any) -> None:
    group.add_argument(
        "--method",
        type=_method,
        default="MiB",
        metavar="{" + ",".join(METHODS) + "}",
        help="fine-tuning, a method, or all classes at once; in any case (default: MiB)",
    )
    for name, (kind, text, argument_of) in FLAGS.items():
        published = ", ".join(f"{m} {default(m, a):g}" for m, a in argument_of.items())
        group.add_argument(f"--{name}", type=kind, help=f"{text} (default: {published})")
    for name, kind, text in (
        ("epochs", int, "epochs a step"),
        ("lr", float, "learning rate of step 0"),
        ("batch_size", int, "images a batch"),
        ("crop_size", int, "side of the training and test crops in pixels"),
    ):
        group.add_argument(f"--{name}", type=kind, help=f"{text} {_both_defaults(name)}")
    group.add_argument(
        "--use_exemplars",
        action="store_true",
        help="add replay of exemplars to the method; with MiB it runs SMiB, as in the original",
    )
    group.add_argument(
        "--exemplars_size", type=int, help=f"exemplars a class (default: {default_exemplars()})"
    )
    group.add_argument(
        "--old_labels",
        choices=OLD_LABELS,
        help="whether new images show the classes of earlier steps (default: visible with "
        "exemplars, as SMiB's published numbers, else hidden)",
    )
    group.add_argument(
        "--lr_later",
        type=float,
        help="learning rate of the later steps (default: a tenth of --lr)",
    )
    group.add_argument(
        "--random_seed", type=int, default=42, help="seed of every random choice (default: 42)"
    )
    group.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)"
    )


def _add_model(group: Any) -> None:
    group.add_argument(
        "--backbone",
        choices=tuple(BACKBONES),
        help=f"context path of BiSeNet {_both_defaults('backbone')}",
    )
    group.add_argument(
        "--no_pretrained", action="store_true", help="start the backbone from random weights"
    )
    group.add_argument(
        "--weights",
        help="'imagenet', or the path of a state dict of torchvision's backbone (default: "
        "imagenet; random weights on synthetic)",
    )


def default_exemplars() -> int:
    """Exemplars a class, SMiB's default."""
    return int(default("SMiB", "n_exemplars"))


def _both_defaults(name: str) -> str:
    return f"(default: {PUBLISHED[name]}; {DEMO[name]} on synthetic)"


def _method(text: str) -> str:
    for method in METHODS:
        if text.lower() == method.lower():
            return method
    raise argparse.ArgumentTypeError(f"{text!r} is unknown; expected one of {', '.join(METHODS)}")
