"""Testing saved models without training: ``avalanche-seg run --test``."""

import warnings
from contextlib import closing
from pathlib import Path

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.assembly import (
    make_mean_iou,
    make_strategy,
    pick_device,
)
from avalanche_seg.cli.running.benchmarks import make_benchmarks
from avalanche_seg.cli.running.run_folder import RunFolder, default_name, table
from avalanche_seg.cli.running.steps import check_step, model_file
from avalanche_seg.metrics import RunReport
from avalanche_seg.models import SegmentationModel, load_model
from avalanche_seg.plugins import ProgressPlugin

__all__ = ["test_models"]


def test_models(options: Options) -> Path:
    """Test the model of ``--step``, or those of all steps, or ``--ckpt``; print and write.

    Returns:
        the folder of test_results.json (of one step test_stepK.json, of one model
        MODEL.test_results.json beside it).

    Raises:
        ValueError: when there is no model, or it is one of another task.
    """
    device = pick_device(options.device)
    task_benchmark, benchmark = make_benchmarks(options)
    check_step(options, len(benchmark.train_stream))
    if options.ckpt is None:
        folder = RunFolder.existing(options.logdir, options.name, default_name(options))
        models = _models_of(folder.path, options, benchmark)
        file = "test_results.json" if options.step is None else f"test_step{options.step}.json"
    else:
        folder = RunFolder.at(Path(options.ckpt).parent)
        file = f"{Path(options.ckpt).stem}.test_results.json"
        steps = _steps_of(load_model(options.ckpt), options.ckpt, benchmark)
        step = options.step if options.step in steps else steps[-1]
        models = {step: Path(options.ckpt)}
    report = RunReport()
    for step, path in models.items():
        model = load_model(path, device=device)
        # A method may have the channels of all steps from the start, as DFT.
        if not {step, len(benchmark.train_stream) - 1} & {*_steps_of(model, path, benchmark)}:
            raise ValueError(f"{path} has {model.n_classes} channels, not those of step {step}")
        iou = make_mean_iou(options, task_benchmark)
        with closing(ProgressPlugin()) as progress:
            strategy = make_strategy(
                options,
                model,
                device=device,
                iou=iou,
                run_folder=None,
                plugins=[progress],
                palette=benchmark.palette,
            )
            strategy.eval([benchmark.test_stream[step]])
        report.add(iou.report(step))
    folder.write_json(file, report.as_dict())
    print(f"\nmIoU on the test set, % ({options.task} {options.setting}, no training):")
    print(table(report.steps))
    return folder.path


def _models_of(folder: Path, options: Options, benchmark: SegmentationScenario) -> dict[int, Path]:
    wanted = range(len(benchmark.train_stream)) if options.step is None else [options.step]
    found = {step: model_file(folder, step) for step in wanted}
    missing = [str(step) for step, path in found.items() if not path.is_file()]
    found = {step: path for step, path in found.items() if path.is_file()}
    if found and missing:
        warnings.warn(
            f"{folder / 'models'} has no model of step {', '.join(missing)}, which is left out of "
            "the test",
            stacklevel=2,
        )
    if not found:
        raise ValueError(
            f"{folder} has no model to test in models/; train first, pass the --name and --logdir "
            "of a run, or --ckpt"
        )
    return found


def _steps_of(
    model: SegmentationModel, path: str | Path, benchmark: SegmentationScenario
) -> list[int]:
    """The steps after which the task has the model's classes: one, or all where classes stay."""
    space = benchmark.label_space
    steps = [
        step
        for step in range(len(benchmark.train_stream))
        if tuple(benchmark.class_names[: space.n_channels_after(step)]) == model.class_names
    ]
    if not steps:
        raise ValueError(
            f"{path} knows {', '.join(model.class_names)}; no step of this task has these classes: "
            "pass the --task and data set that it was trained for"
        )
    return steps
