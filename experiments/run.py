"""Train and test a method on an incremental task: ``python -m experiments.run --help``."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import nn

from avalanche_seg.benchmarks.class_index import fingerprint
from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.distributed import is_main, process_group
from avalanche_seg.metrics import MeanIoU, RunReport, StepReport, mean_iou_metrics
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import CheckpointPlugin, ProgressPlugin
from experiments.assembly import make_benchmarks, make_strategy, pick_device, seed_everything
from experiments.loggers import close_loggers
from experiments.options import Options, parse
from experiments.pictures import draw_step
from experiments.run_folder import RunFolder, default_name, table
from experiments.steps import check_step, model_file, save_step, step_seed, steps_to_train
from experiments.testing import test_models

__all__ = ["main", "run"]

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 2 for bad input, a loss that blew up or a disk that is full, 130 after an
        interruption, with the state saved.
    """
    debug = "--debug" in (sys.argv if argv is None else argv)
    try:
        options = parse(argv)
        with process_group(cuda=pick_device(options.device).startswith("cuda")), _one_voice():
            folder = test_models(options) if options.test else run(options)
    except KeyboardInterrupt as stop:
        print(f"\n{stop or 'interrupted'}; --resume goes on from there", file=sys.stderr)
        return INTERRUPTED
    except torch.OutOfMemoryError as error:
        print(
            f"error: {str(error).splitlines()[0]} Start again with a lower --batch_size or "
            "--crop_size, a higher --accumulate, or --amp bf16; finished steps are saved",
            file=sys.stderr,
        )
        return 2
    except (ValueError, FloatingPointError, OSError) as error:
        if debug:
            traceback.print_exc()
        # A loader's worker process wraps the message in its traceback; it comes last there.
        reason = str(error).rpartition("\nValueError: ")[2].strip()
        number = os.environ.get("RANK")
        print(f"error: {reason}" + (f" (process {number})" if number else ""), file=sys.stderr)
        return 2
    if os.environ.get("RANK", "0") == "0":
        print(f"everything is in {folder}")
    return 0


@contextmanager
def _one_voice() -> Iterator[None]:
    """Of several processes only the main one prints."""
    if is_main():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def run(options: Options) -> Path:
    """Train and test every step, writing after each.

    Returns:
        the run's folder.

    Raises:
        ValueError: for bad input, before any training and before the folder is made; for a file
            whose pixels turn out to be unreadable, when it is met. Earlier steps are kept.
        FloatingPointError: when the loss is no finite number; earlier steps are kept.
        KeyboardInterrupt: when it was interrupted; the state is saved.
    """
    start = time.perf_counter()
    seed_everything(options.random_seed)
    device = pick_device(options.device)
    for note in options.notes:
        print(note)
    print(f"reading {options.data_root} as the data set {options.dataset!r}")
    task_benchmark, benchmark = make_benchmarks(options)
    _check_benchmark(options, benchmark)
    model = BiSeNet(options.backbone, weights=options.weights)
    if options.sync_bn:
        if device == "cpu":
            raise ValueError("--sync_bn needs GPUs; leave it out on the CPU")
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    folder = RunFolder(
        options.logdir,
        options.name,
        default_name(options),
        reuse=options.resume or options.step is not None,
    )
    folder.write_json("config.json", options.as_dict() | {"resolved_device": device})
    print(_announcement(options, benchmark, device, folder))

    n_base = task_benchmark.label_space.n_channels_after(0)
    iou = mean_iou_metrics(base_classes=range(n_base))[0]
    report = RunReport()
    checkpoint = make_checkpoint(options, benchmark, report, folder.path)
    with ExitStack() as stack:
        progress = stack.enter_context(closing(ProgressPlugin(every=options.print_interval)))
        stack.enter_context(stopping(checkpoint))
        strategy = make_strategy(
            options,
            model,
            device=device,
            iou=iou,
            run_folder=folder.path,
            plugins=[checkpoint, progress],
        )
        stack.callback(close_loggers, strategy.evaluator.loggers)
        for experience in steps_to_train(
            options, strategy, benchmark, checkpoint, report, folder.path
        ):
            step = experience.current_experience
            seed_everything(step_seed(options.random_seed, step))
            evaluated = benchmark.valid_stream if options.cross_val else benchmark.test_stream
            strategy.train(experience, eval_streams=[[evaluated[step]]])
            _finish_step(step, options, strategy, benchmark, task_benchmark, iou, report, folder)
            seconds = round(time.perf_counter() - start, 1)
            folder.write_json("results.json", _results(options, report, seconds))
            print(f"\nmIoU on the test set, % ({options.method} {options.task} {options.setting}):")
            print(table(report.steps))
    print(f"\n{time.perf_counter() - start:.0f} s")
    return folder.path


def _finish_step(
    step: int,
    options: Options,
    strategy: Any,
    benchmark: SegmentationScenario,
    task_benchmark: SegmentationScenario,
    iou: MeanIoU,
    report: RunReport,
    folder: RunFolder,
) -> None:
    """Test the model of the step and write everything but the results; the main process does."""
    strategy.eval([benchmark.test_stream[step]])
    n_base = task_benchmark.label_space.n_channels_after(0)
    report.add(StepReport(step, iou.matrix, benchmark.class_names, n_base=n_base))
    if not is_main():
        return
    names = list(benchmark.class_names[: strategy.model.n_classes])
    save_step(model_file(folder.path, step), strategy, names, report)
    folder.write_metrics(report, "test")
    draw_step(
        strategy.model,
        task_benchmark.test_stream[-1],
        report,
        folder.path,
        title=f"{options.method} {options.task}, after step {step}",
        n=options.sample_num,
    )


def make_checkpoint(
    options: Options, benchmark: SegmentationScenario, report: RunReport, folder: Path
) -> CheckpointPlugin:
    """The state of the run, which other settings or other data cannot go on with."""
    settings = options.that_decide()
    streams = (benchmark.train_stream, benchmark.test_stream)
    settings["fingerprint of the data"] = [fingerprint(s[0].data.samples) for s in streams]
    return CheckpointPlugin(
        folder / "checkpoint.pt",
        settings=settings,
        also={"report": report},
        every_iterations=options.ckpt_iterations,
    )


@contextmanager
def stopping(checkpoint: CheckpointPlugin) -> Iterator[None]:
    """Let the first Ctrl-C or termination save the state; a second one stops at once."""

    def stop(number: int, frame: object) -> None:
        if checkpoint.stop:
            raise KeyboardInterrupt
        checkpoint.stop = True
        print("\nstopping after this iteration; once more to stop at once", file=sys.stderr)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_benchmark(options: Options, benchmark: SegmentationScenario) -> None:
    check_step(options, len(benchmark.train_stream))
    for experience in benchmark.train_stream:
        if len(experience.dataset) < 2:
            raise ValueError(
                f"step {experience.current_experience} has one training image; BiSeNet's batch "
                "norm needs two: choose another setting, task or data set"
            )


def _results(options: Options, report: RunReport, seconds: float) -> dict[str, object]:
    return {
        "method": options.method,
        "task": options.task,
        "setting": options.setting,
        "seed": options.random_seed,
        "seconds": seconds,
        **report.as_dict(),
    }


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
