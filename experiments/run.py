"""Train and test a method on an incremental task: ``python -m experiments.run --help``."""

import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
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
from avalanche_seg.metrics import MeanIoU, RunReport, StepReport, mean_iou_metrics
from avalanche_seg.models import BiSeNet, save_model
from avalanche_seg.plugins import PolyLRPlugin, ProgressPlugin
from avalanche_seg.strategies import FineTuning, Joint, MiB, SegmentationTemplate, sgd
from experiments.options import Options, parse
from experiments.pictures import iou_heat_map, pick_samples, save_predictions
from experiments.run_folder import RunFolder, table

__all__ = ["main", "run"]

N_PICTURES = 6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input)."""
    try:
        folder = run(parse(argv))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"everything is in {folder}")
    return 0


def run(options: Options) -> Path:
    """Train and test every step, writing after each.

    Returns:
        the run's folder.

    Raises:
        ValueError: for bad input, before any training and before the folder is made.
    """
    start = time.perf_counter()
    _seed(options.random_seed)
    device = _device(options.device)
    task_benchmark, benchmark = _benchmarks(options)
    model = BiSeNet(options.backbone, weights=options.weights)
    folder = RunFolder(options.logdir, options.name, _name(options))
    folder.write_json("config.json", options.as_dict() | {"resolved_device": device})
    print(_announcement(options, benchmark, device, folder))

    n_base = task_benchmark.label_space.n_channels_after(0)
    iou = mean_iou_metrics(base_classes=range(n_base))[0]
    strategy = _strategy(options, model, device, iou, folder)
    report = RunReport()
    final_test = task_benchmark.test_stream[-1]
    pictured = pick_samples(list(final_test.dataset.class_sets), N_PICTURES)
    for experience in benchmark.train_stream:
        step = experience.current_experience
        test = benchmark.test_stream[step]
        strategy.train(experience, eval_streams=[], num_workers=options.num_workers)
        strategy.eval([test], num_workers=options.num_workers)
        report.add(StepReport(step, iou.matrix, benchmark.class_names, n_base=n_base))
        names = benchmark.class_names[: model.n_classes]
        save_model(model, folder.path / "models" / f"step{step}.safetensors", class_names=names)
        folder.write_metrics(report, "test")
        folder.write_json("results.json", _results(options, report, time.perf_counter() - start))
        samples = [final_test.dataset.eval()[i] for i in pictured]
        save_predictions(
            model,
            samples,
            [final_test.data.samples.images[final_test.data.indices[i]].stem for i in pictured],
            benchmark.label_space,
            folder.path / "predictions" / f"step{step}",
            device=device,
            title=f"{options.method} {options.task}, after step {step}",
        )
        iou_heat_map(report, benchmark.class_names, folder.path / "plots" / "iou_by_class.png")
        print(f"\nmIoU on the test set, % ({options.method} {options.task} {options.setting}):")
        print(table(report.steps))
    print(f"\n{time.perf_counter() - start:.0f} s")
    return folder.path


def _benchmarks(options: Options) -> tuple[SegmentationScenario, SegmentationScenario]:
    """The task's benchmark, and the one to train on: for JOINT the same classes in one step."""
    root = options.data_root
    if options.dataset == "synthetic":
        root = str(make_synthetic_voc(root))

    def build(task: str, class_order: Sequence[int] | None = None) -> SegmentationScenario:
        make = FolderIncremental if options.dataset == "folder" else VOCIncremental
        return make(
            root,
            task=task,
            setting=options.setting,
            class_order=class_order,
            train_transform=train_preset(options.crop_size),
            eval_transform=eval_preset(options.crop_size),
            seed=options.random_seed,
        )

    benchmark = build(options.task)
    if options.method == "JOINT":
        return benchmark, build("offline", benchmark.class_order[1:])
    return benchmark, benchmark


def _strategy(
    options: Options, model: BiSeNet, device: str, iou: MeanIoU, folder: RunFolder
) -> SegmentationTemplate:
    evaluator = EvaluationPlugin(
        iou,
        loss_metrics(epoch=True, experience=True),
        loggers=[TensorboardLogger(folder.path / "tensorboard")],
    )
    arguments = {
        "model": model,
        "optimizer": sgd(options.lr, options.lr_later),
        "train_mb_size": options.batch_size,
        "train_epochs": options.epochs,
        "eval_mb_size": options.batch_size,
        "device": device,
        "plugins": [PolyLRPlugin(), ProgressPlugin()],
        "evaluator": evaluator,
    }
    if options.method == "MiB":
        return MiB(kd_weight=options.loss_kd, **arguments)
    return (Joint if options.method == "JOINT" else FineTuning)(**arguments)


def _results(options: Options, report: RunReport, seconds: float) -> dict[str, object]:
    return {
        "method": options.method,
        "task": options.task,
        "setting": options.setting,
        "seed": options.random_seed,
        "seconds": round(seconds, 1),
        **report.as_dict(),
    }


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - other people's code may use the global state
    torch.manual_seed(seed)


def _device(wanted: str) -> str:
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


def _name(options: Options) -> str:
    parts = (options.method, options.task, options.setting, options.dataset)
    return "_".join((*parts, f"s{options.random_seed}"))


def _announcement(
    options: Options, benchmark: SegmentationScenario, device: str, folder: RunFolder
) -> str:
    train = ", ".join(str(len(experience.dataset)) for experience in benchmark.train_stream)
    test = ", ".join(str(len(experience.dataset)) for experience in benchmark.test_stream)
    start = options.weights or "random weights"
    return (
        f"{options.method} on {options.dataset} {options.task}, {options.setting}: "
        f"{benchmark.n_classes - 1} classes and the background\n"
        f"images by step: train {train}; test {test}\n"
        f"BiSeNet {options.backbone} from {start}, {device}; {options.epochs} epochs of batches of "
        f"{options.batch_size}, crop {options.crop_size}, lr {options.lr:g} then "
        f"{options.lr_later:g}, seed {options.random_seed}\n"
        f"writing to {folder.path}"
    )


if __name__ == "__main__":
    sys.exit(main())
