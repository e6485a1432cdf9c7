"""Train and test a method on an incremental task: ``python -m experiments.run --help``."""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from avalanche_seg.benchmarks.scenario import SegmentationExperience, SegmentationScenario
from avalanche_seg.metrics import RunReport, StepReport, mean_iou_metrics
from avalanche_seg.models import BiSeNet, save_model
from avalanche_seg.plugins import ProgressPlugin
from experiments.assembly import make_benchmarks, make_strategy, pick_device, seed_everything
from experiments.options import Options, parse
from experiments.pictures import iou_heat_map, pick_samples, save_predictions
from experiments.run_folder import RunFolder, table

__all__ = ["main", "run"]

N_PICTURES = 6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input or a loss that blew up)."""
    try:
        folder = run(parse(argv))
    except (ValueError, FloatingPointError) as error:
        # A loader's worker process wraps the message in its traceback; it comes last there.
        reason = str(error).rpartition("\nValueError: ")[2].strip()
        print(f"error: {reason}", file=sys.stderr)
        return 2
    print(f"everything is in {folder}")
    return 0


def run(options: Options) -> Path:
    """Train and test every step, writing after each.

    Returns:
        the run's folder.

    Raises:
        ValueError: for bad input, before any training and before the folder is made; for a file
            whose pixels turn out to be unreadable, when it is met. Earlier steps are kept.
        FloatingPointError: when the loss is no finite number; earlier steps are kept.
    """
    start = time.perf_counter()
    seed_everything(options.random_seed)
    device = pick_device(options.device)
    print(f"reading {options.data_root} as the data set {options.dataset!r}")
    task_benchmark, benchmark = make_benchmarks(options)
    _check_steps(benchmark)
    model = BiSeNet(options.backbone, weights=options.weights)
    folder = RunFolder(options.logdir, options.name, _default_name(options))
    folder.write_json("config.json", options.as_dict() | {"resolved_device": device})
    print(_announcement(options, benchmark, device, folder))

    n_base = task_benchmark.label_space.n_channels_after(0)
    iou = mean_iou_metrics(base_classes=range(n_base))[0]
    report = RunReport()
    with closing(ProgressPlugin()) as progress:
        strategy = make_strategy(
            options,
            model,
            device=device,
            iou=iou,
            log_folder=folder.path / "tensorboard",
            plugins=[progress],
        )
        for experience in benchmark.train_stream:
            step = experience.current_experience
            strategy.train(experience, eval_streams=[])
            strategy.eval([benchmark.test_stream[step]])
            report.add(StepReport(step, iou.matrix, benchmark.class_names, n_base=n_base))
            names = benchmark.class_names[: model.n_classes]
            save_model(model, folder.path / "models" / f"step{step}.safetensors", class_names=names)
            folder.write_metrics(report, "test")
            seconds = round(time.perf_counter() - start, 1)
            folder.write_json("results.json", _results(options, report, seconds))
            _draw(options, benchmark, task_benchmark.test_stream[-1], model, report, folder)
            print(f"\nmIoU on the test set, % ({options.method} {options.task} {options.setting}):")
            print(table(report.steps))
    print(f"\n{time.perf_counter() - start:.0f} s")
    return folder.path


def _check_steps(benchmark: SegmentationScenario) -> None:
    for experience in benchmark.train_stream:
        if len(experience.dataset) < 2:
            raise ValueError(
                f"step {experience.current_experience} has one training image; BiSeNet's batch "
                "norm needs two: choose another setting, task or data set"
            )


def _draw(
    options: Options,
    benchmark: SegmentationScenario,
    test: SegmentationExperience,
    model: BiSeNet,
    report: RunReport,
    folder: RunFolder,
) -> None:
    """Draw predictions on the same images after every step, and the IoU of every class so far."""
    dataset = test.dataset.eval()
    pictured = pick_samples(list(test.dataset.class_sets), N_PICTURES)
    step = report.steps[-1].step
    save_predictions(
        model,
        [dataset[i] for i in pictured],
        [test.data.samples.images[test.data.indices[i]].stem for i in pictured],
        benchmark.label_space,
        folder.path / "predictions" / f"step{step}",
        title=f"{options.method} {options.task}, after step {step}",
    )
    iou_heat_map(report, benchmark.class_names, folder.path / "plots" / "iou_by_class.png")


def _results(options: Options, report: RunReport, seconds: float) -> dict[str, object]:
    return {
        "method": options.method,
        "task": options.task,
        "setting": options.setting,
        "seed": options.random_seed,
        "seconds": seconds,
        **report.as_dict(),
    }


def _default_name(options: Options) -> str:
    method = options.method + ("" if options.exemplars is None else f"+{options.exemplars}")
    parts = (method, options.task, options.setting, options.dataset)
    return "_".join((*parts, f"s{options.random_seed}"))


def _announcement(
    options: Options, benchmark: SegmentationScenario, device: str, folder: RunFolder
) -> str:
    train = ", ".join(str(len(experience.dataset)) for experience in benchmark.train_stream)
    test = ", ".join(str(len(experience.dataset)) for experience in benchmark.test_stream)
    replay = "" if options.exemplars is None else f", {options.exemplars} exemplars a class"
    return (
        f"{options.method}{replay} on {options.dataset} {options.task}, {options.setting}, old "
        f"labels {options.old_labels}: {benchmark.n_classes - 1} classes and the background\n"
        f"images by step: train {train}; test {test}\n"
        f"BiSeNet {options.backbone} from {options.weights or 'random weights'}, {device}; "
        f"{options.epochs} epochs of batches of {options.batch_size}, crop {options.crop_size}, "
        f"lr {options.lr:g} then {options.lr_later:g}, seed {options.random_seed}\n"
        f"writing to {folder.path}"
    )


if __name__ == "__main__":
    sys.exit(main())
