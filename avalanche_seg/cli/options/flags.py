"""The flags that say what is trained: data, method, exemplars, schedule, model."""

import argparse
from typing import Any

from avalanche_seg.benchmarks import OLD_LABELS, SETTINGS
from avalanche_seg.cli.options.defaults import default_exemplars, default_text
from avalanche_seg.cli.options.methods import FLAGS, METHODS, default
from avalanche_seg.cli.options.recipes import RECIPES
from avalanche_seg.models import BACKBONES
from avalanche_seg.plugins import LABEL_MODES, SELECTIONS, UPDATES

__all__ = ["add_data", "add_exemplars", "add_method", "add_model", "add_training"]

DATASETS = ("synthetic", "voc", "folder")
LR_POLICIES = ("poly", "step")


def add_data(group: Any) -> None:
    """Which data set, task and label maps."""
    group.add_argument(
        "--data_root", help="folder of the data set (default: data for voc, else data/DATASET)"
    )
    group.add_argument(
        "--dataset",
        choices=DATASETS,
        help="synthetic: the made-up VOC; voc: VOC 2012; folder: any VOC layout with a classes.txt "
        "(default: folder when DATA_ROOT holds a classes.txt, voc when there is another DATA_ROOT "
        "or the folder data holds VOC, else synthetic)",
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
        "--old_labels",
        choices=OLD_LABELS,
        help="whether new images show the classes of earlier steps (default: visible with "
        "exemplars, as SMiB's published numbers, else hidden)",
    )
    group.add_argument("--no_mask", action="store_true", help="short for --old_labels visible")
    group.add_argument(
        "--cross_val",
        action="store_true",
        help="hold a fifth of every step's training images out, and validate on them at "
        "--val_interval (default: validate on the test set)",
    )
    group.add_argument(
        "--crop_val",
        action="store_false",
        help="test at full resolution, one image at a time, instead of on central crops (the "
        "original's spelling: the flag turns cropping off)",
    )
    group.add_argument(
        "--cache_images",
        action="store_true",
        help="decode every image once, into a file in AVALANCHE_SEG_CACHE that later runs find "
        "too; the run is the same (default: decode whenever an image is loaded)",
    )


def add_method(group: Any) -> None:
    """The method and its weights."""
    group.add_argument(
        "--method",
        type=_method,
        default="MiB",
        metavar="{" + ",".join(METHODS) + "}",
        help="fine-tuning, a method, or all classes at once; in any case (default: MiB)",
    )
    group.add_argument(
        "--recipe",
        choices=RECIPES,
        help="set the published hyper-parameters; flags that are given win (default: none)",
    )
    for name, (kind, text, argument_of) in FLAGS.items():
        published = ", ".join(f"{m} {default(m, a):g}" for m, a in argument_of.items())
        group.add_argument(f"--{name}", type=kind, help=f"{text} (default: {published})")


def add_exemplars(group: Any) -> None:
    """The memory of exemplars."""
    group.add_argument(
        "--use_exemplars",
        action="store_true",
        help="add replay of exemplars to the method; with MiB it runs SMiB, as in the original",
    )
    group.add_argument(
        "--exemplars_size", type=int, help=f"exemplars a class (default: {default_exemplars()})"
    )
    for name, choices, text in (
        ("selection", SELECTIONS, "how they are chosen"),
        ("labels", LABEL_MODES, "what they show: every class seen so far, or those of their step"),
        ("update", UPDATES, "after a step, add those of its classes, or draw all anew"),
    ):
        group.add_argument(
            f"--exemplars_{name}", choices=choices, help=f"{text} (default: {choices[0]})"
        )
    group.add_argument(
        "--exemplars_share",
        type=float,
        help="share of every batch that is exemplars (default: none, the union is shuffled)",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="SMiB that never shows an old label in a new image, with the generalised unbiased "
        "cross entropy (default: off, as published)",
    )


def add_training(group: Any) -> None:
    """Length, rates, crops and seed."""
    for name, kind, text in (
        ("epochs", int, "epochs a step"),
        ("batch_size", int, "images a batch, over all processes"),
        ("crop_size", int, "side of the training and test crops in pixels"),
        ("lr", float, "learning rate of step 0; with --step, of that step"),
        ("momentum", float, "of SGD, Nesterov's"),
        ("weight_decay", float, "of SGD"),
    ):
        group.add_argument(f"--{name}", type=kind, help=f"{text} {default_text(name)}")
    group.add_argument(
        "--lr_later",
        type=float,
        help="learning rate of the later steps (default: a tenth of --lr)",
    )
    group.add_argument(
        "--lr_policy",
        choices=LR_POLICIES,
        help=f"schedule within a step {default_text('lr_policy')}",
    )
    for name, kind, text in (
        ("lr_power", float, "exponent of poly"),
        ("lr_decay_step", int, "iterations between two decays of step"),
        ("lr_decay_factor", float, "factor of step"),
    ):
        group.add_argument(f"--{name}", type=kind, help=f"{text} {default_text(name)}")
    group.add_argument(
        "--random_seed", type=int, help=f"seed of every random choice {default_text('random_seed')}"
    )


def add_model(group: Any) -> None:
    """The network and what of it learns."""
    group.add_argument(
        "--backbone",
        choices=tuple(BACKBONES),
        help=f"context path of BiSeNet {default_text('backbone')}",
    )
    group.add_argument(
        "--no_pretrained", action="store_true", help="start the backbone from random weights"
    )
    group.add_argument(
        "--weights",
        help="'imagenet', or the path of a state dict of torchvision's backbone (default: "
        "imagenet; random weights on synthetic)",
    )
    group.add_argument(
        "--sync_bn",
        action="store_true",
        help="batch norm over the images of all processes (GPUs only)",
    )
    group.add_argument("--fix_bn", action="store_true", help="keep batch norm's statistics")
    group.add_argument(
        "--freeze", action="store_true", help="after step 0 train the classifiers alone"
    )


def _method(text: str) -> str:
    for method in METHODS:
        if text.lower() == method.lower():
            return method
    raise argparse.ArgumentTypeError(f"{text!r} is unknown; expected one of {', '.join(METHODS)}")
