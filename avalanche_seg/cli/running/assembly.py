"""From options to model and strategy."""

import inspect
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avalanche.core import BasePlugin
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.benchmarks import SegmentationScenario, model_input
from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.loggers import make_loggers, show_pictures
from avalanche_seg.metrics import (
    METRICS,
    ConfusionMatrixFigure,
    MeanIoU,
    SamplePredictions,
    loss_term_metrics,
    mean_iou_metrics,
    mean_loss_metrics,
)
from avalanche_seg.models import SegmentationModel, create_model, model_factory, name_of
from avalanche_seg.plugins import (
    ClassExemplarsBuffer,
    EpochsPlugin,
    FreezePlugin,
    PolyLRPlugin,
    ReplayPlugin,
    StepLRPlugin,
)
from avalanche_seg.system import broadcast, is_main, world_size
from avalanche_seg.training import SegmentationTemplate, resolve_amp, sgd

__all__ = [
    "make_mean_iou",
    "make_model",
    "make_strategy",
    "memory_of",
    "pick_device",
    "seed_everything",
    "with_precision",
]


def make_model(
    options: Options, benchmark: SegmentationScenario | None = None
) -> SegmentationModel:
    """The network, without a class yet.

    Args:
        options: the settings.
        benchmark: whose images it sees; None for RGB images.

    Raises:
        ValueError: for arguments that it does not have, or weights that cannot be read.
    """
    config = {"backbone": options.backbone, "weights": options.weights}
    doubled = sorted(config.keys() & options.model_args.keys())
    if doubled:
        raise ValueError(
            f"--model_args {doubled[0]}=... has a flag of its own; pass --{doubled[0]} instead"
        )
    accepted = inspect.signature(model_factory(options.model)).parameters
    config = {name: value for name, value in config.items() if name in accepted}
    config |= {} if benchmark is None else model_input(benchmark)
    channels = METHODS[options.method].model_options
    model = create_model(options.model, **{**channels, **config, **options.model_args})
    name_of(model)  # Raises now, not when the first step is to be saved.
    return model


def make_mean_iou(options: Options, benchmark: SegmentationScenario) -> MeanIoU:
    """Measures every evaluation of a task, with the further metrics of the flags."""
    base_classes = range(benchmark.label_space.n_channels_after(0))
    further = [METRICS[name]() for name in options.metrics]
    return mean_iou_metrics(base_classes=base_classes, metrics=further)[0]


def make_strategy(
    options: Options,
    model: SegmentationModel,
    *,
    device: str,
    iou: MeanIoU,
    run_folder: Path | None,
    plugins: Sequence[BasePlugin],
    palette: Sequence[int],
) -> SegmentationTemplate:
    """The method, with its schedule and the loggers of the flags.

    Args:
        options: the settings.
        model: the network.
        device: where to.
        iou: measures every evaluation.
        run_folder: where loggers write; None logs nothing.
        plugins: listed after those of the flags.
        palette: of the data set, for pictures.
    """
    evaluator = _evaluator(options, iou, run_folder, palette)
    arguments: dict[str, Any] = {
        "model": model,
        "optimizer": sgd(
            options.lr,
            options.lr_later,
            momentum=options.momentum,
            weight_decay=options.weight_decay,
            nesterov=options.momentum > 0,
        ),
        "train_mb_size": options.batch_size,
        "train_epochs": options.epochs,
        "eval_mb_size": 1 if options.full_resolution else options.batch_size,
        "eval_every": options.val_interval or -1,
        "device": device,
        "plugins": [*_own_plugins(options), *plugins],
        "evaluator": evaluator,
        "loader": {"num_workers": options.num_workers},
        "channels_last": options.channels_last,
        "amp": options.amp,
        "micro_batches": options.micro_batches,
        "compile": options.compile,
        "kernels": options.kernels,
    }
    if options.method == "SMiB":  # It replays the memory itself.
        arguments |= memory_of(options)
    elif "seed" in inspect.signature(METHODS[options.method].__init__).parameters:
        arguments["seed"] = options.random_seed
    if options.saliency is not None:
        arguments["saliency"] = "saliency"
    return METHODS[options.method](**arguments, **options.method_options)


def _evaluator(
    options: Options, iou: MeanIoU, folder: Path | None, palette: Sequence[int]
) -> EvaluationPlugin:
    names = () if folder is None or not is_main() else options.loggers
    pictures = []
    if show_pictures(names):
        pictures = [
            ConfusionMatrixFigure(iou),
            SamplePredictions(palette, n=options.sample_num),
        ]
    return EvaluationPlugin(
        iou,
        # Of several processes each would log the evaluation loss of its own images.
        mean_loss_metrics(experience=world_size() == 1),
        loss_term_metrics(),
        pictures,
        loggers=make_loggers(
            names, folder or Path(), folder.name if folder else "", config=options.as_dict()
        ),
        collect_all=False,  # Or every picture of the run stays in memory.
    )


def _own_plugins(options: Options) -> list[BasePlugin]:
    """What the flags add to the method: freezing, replay, then the schedule that counts batches."""
    plugins: list[BasePlugin] = []
    if options.epochs_later != options.epochs:
        plugins.append(EpochsPlugin(options.epochs, options.epochs_later))
    if options.fix_bn or options.freeze:
        plugins.append(FreezePlugin(batch_norm=options.fix_bn, heads_only=options.freeze))
    if options.fix_bn_later:
        plugins.append(FreezePlugin(batch_norm=True, first_step=1))
    if options.fix_bn_affine:
        plugins.append(FreezePlugin(norm_affine=True))
    if options.freeze_body:
        plugins.append(FreezePlugin(roles=["body"], first_step=1))
    if options.exemplars is not None and options.method != "SMiB":
        plugins.append(ReplayPlugin(**memory_of(options)))
    if options.lr_policy == "step":
        plugins.append(StepLRPlugin(options.lr_decay_step, options.lr_decay_factor))
    else:
        schedule = PolyLRPlugin(options.lr_power, warmup=options.lr_warmup, floor=options.lr_floor)
        plugins.append(schedule)
    return plugins


def memory_of(options: Options) -> dict[str, Any]:
    """The memory of exemplars, and how it is replayed."""
    assert options.exemplars is not None
    arguments = options.memory_arguments()
    replay: dict[str, Any] = {
        name: arguments.pop(name) for name in ("share", "strict") if name in arguments
    }
    if replay.get("strict"):
        arguments.setdefault("label_mode", "stored")
    memory = ClassExemplarsBuffer(options.exemplars, seed=options.random_seed, **arguments)
    return {"memory": memory, **replay}


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
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda":  # One of several processes takes the GPU of its number.
        wanted = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        (torch.ones(1, device=wanted) + 1).item()  # "meta" can hold tensors, but not compute.
    except Exception as error:  # Every kind of device fails in its own way.
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"--device {wanted} cannot be used ({reason}); pass cpu, or auto"
        ) from error
    return wanted


def with_precision(options: Options, device: str) -> Options:
    """The options with the precision that ``--amp auto`` stands for on a device.

    So a run records it, and cannot go on in another. Of several processes the main one decides.

    Args:
        options: the settings.
        device: of this process.
    """
    return replace(options, amp=broadcast(resolve_amp(options.amp, torch.device(device))))
