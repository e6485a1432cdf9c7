"""From options to benchmark, model and strategy."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avalanche.core import BasePlugin
from avalanche.evaluation.metrics import loss_metrics
from avalanche.logging import TensorboardLogger
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.benchmarks import (
    FolderIncremental,
    VOCIncremental,
    eval_preset,
    make_synthetic_voc,
    train_preset,
)
from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.metrics import MeanIoU, loss_term_metrics
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import ClassExemplarsBuffer, PolyLRPlugin, SMiBPlugin
from avalanche_seg.strategies import SegmentationTemplate, sgd
from experiments.methods import METHODS
from experiments.options import Options

__all__ = ["make_benchmarks", "make_strategy", "pick_device", "seed_everything"]


# The data sets of the command line: name -> benchmark. The made-up VOC is written first.
BENCHMARKS = {
    "synthetic": VOCIncremental,
    "voc": VOCIncremental,
    "folder": FolderIncremental,
}


def make_benchmarks(options: Options) -> tuple[SegmentationScenario, SegmentationScenario]:
    """The task's benchmark, and the one to train on: for JOINT the same classes in one step."""
    root = options.data_root
    if options.dataset == "synthetic":
        root = str(make_synthetic_voc(root))

    def build(task: str, class_order: Sequence[int] | None = None) -> SegmentationScenario:
        return BENCHMARKS[options.dataset](
            root,
            task=task,
            setting=options.setting,
            old_labels=options.old_labels,
            class_order=class_order,
            train_transform=train_preset(options.crop_size),
            eval_transform=eval_preset(options.crop_size),
            seed=options.random_seed,
        )

    benchmark = build(options.task)
    if options.method == "JOINT":
        return benchmark, build("offline", benchmark.class_order[1:])
    return benchmark, benchmark


def make_strategy(
    options: Options,
    model: BiSeNet,
    *,
    device: str,
    iou: MeanIoU,
    log_folder: Path,
    plugins: Sequence[BasePlugin],
) -> SegmentationTemplate:
    """The method, with the poly learning rate and TensorBoard events in ``log_folder``."""
    evaluator = EvaluationPlugin(
        iou,
        loss_metrics(epoch=True, experience=True),
        loss_term_metrics(),
        loggers=[TensorboardLogger(log_folder)],
    )
    arguments: dict[str, Any] = {
        "model": model,
        "optimizer": sgd(options.lr, options.lr_later),
        "train_mb_size": options.batch_size,
        "train_epochs": options.epochs,
        "eval_mb_size": options.batch_size,
        "device": device,
        "plugins": [*_replay(options), PolyLRPlugin(), *plugins],
        "evaluator": evaluator,
        "loader": {"num_workers": options.num_workers},
    }
    return METHODS[options.method](**arguments, **options.method_options)


def _replay(options: Options) -> list[BasePlugin]:
    """Exemplars for a method that does not bring its own; before plugins that count batches."""
    if options.exemplars is None or options.method == "SMiB":
        return []
    return [SMiBPlugin(ClassExemplarsBuffer(options.exemplars, seed=options.random_seed))]


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - other people's code may use the global state
    torch.manual_seed(seed)


def pick_device(wanted: str) -> str:
    """The device to run on; "auto" takes a GPU when there is one.

    Raises:
        ValueError: when the device is unknown or not there.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"--device {wanted} cannot be used ({reason}); pass cpu, or auto"
        ) from error
    return wanted
