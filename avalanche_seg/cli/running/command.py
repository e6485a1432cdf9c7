"""Train and test a method on an incremental task: ``avalanche-seg run --help``."""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from avalanche.core import BasePlugin
from torch import nn

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.cli.failures import INTERRUPTED, sentence_of
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.announcement import announcement
from avalanche_seg.cli.running.assembly import (
    make_mean_iou,
    make_model,
    make_strategy,
    pick_device,
    seed_everything,
    with_precision,
)
from avalanche_seg.cli.running.benchmarks import make_benchmarks
from avalanche_seg.cli.running.data_record import DataRecord, fingerprint, record_data
from avalanche_seg.cli.running.evaluate import test_models
from avalanche_seg.cli.running.feasible import check_feasible
from avalanche_seg.cli.running.loggers import close_loggers
from avalanche_seg.cli.running.pictures import draw_step
from avalanche_seg.cli.running.processes import graceful_shutdown, quiet_threads, rank_zero_stdout
from avalanche_seg.cli.running.progress import PeakMemory, Progress
from avalanche_seg.cli.running.run_folder import DATA_FILE, RunFolder, default_name, table
from avalanche_seg.cli.running.steps import (
    model_file,
    save_step,
    step_seed,
    steps_to_train,
    write_state_of,
)
from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins import ArithmeticLog, CheckpointPlugin, ProgressPlugin
from avalanche_seg.system import is_main, process_group

__all__ = ["main", "run"]

_LESS_MEMORY = (
    "a lower --batch_size or --crop_size, a higher --micro_batches, or --amp bf16 (a smaller "
    "network needs less too)"
)
_GO_ON = "; finished steps are saved, and --resume goes on after the last saved epoch"


def main(argv: Sequence[str] | None = None, *, plugins: Sequence[BasePlugin] = ()) -> int:
    """Run the command line.

    Args:
        argv: the arguments; None takes the process's own.
        plugins: that watch the training.

    Returns:
        the exit code: 2 for bad input, a loss that blew up, a disk or a memory that is full, or a
        loading process that was lost; 130 after an interruption, with the state saved.
    """
    debug = "--debug" in (sys.argv if argv is None else argv)
    try:
        options = parse(argv)
        gpu = pick_device(options.device).startswith("cuda")
        with process_group(cuda=gpu), rank_zero_stdout(), quiet_threads():
            folder = test_models(options) if options.test else run(options, plugins)
    except KeyboardInterrupt as stop:
        how = f"{stop}; --resume goes on from there" if str(stop) else "interrupted"
        print(f"\n{how}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        reason = sentence_of(error, less_memory=_LESS_MEMORY, go_on=_GO_ON)
        if reason is None:
            raise
        if debug:
            traceback.print_exc()
        number = os.environ.get("RANK")
        print(f"error: {reason}" + (f" (process {number})" if number else ""), file=sys.stderr)
        return 2
    if os.environ.get("RANK", "0") == "0":
        print(f"everything is in {folder}")
    return 0


def run(options: Options, plugins: Sequence[BasePlugin] = ()) -> Path:
    """Train and test every step, writing after each.

    Args:
        options: the settings.
        plugins: that watch the training.

    Returns:
        the run's folder.

    Raises:
        ValueError: for bad input, before any training and before the folder is made; for a file
            whose pixels turn out to be unreadable, when it is met. Earlier steps are kept.
        FloatingPointError: when the loss is no finite number; earlier steps are kept.
        KeyboardInterrupt: when it was interrupted; the state is saved.
    """
    seed_everything(options.random_seed)
    device = pick_device(options.device)
    options = with_precision(options, device)
    for note in options.notes:
        print(note)
    print(f"reading {options.images or options.data_root} as the data set {options.dataset!r}")
    benchmarks = make_benchmarks(options)
    check_feasible(options, benchmarks[1])
    model = make_model(options, benchmarks[1])
    if options.sync_bn:
        if device == "cpu":
            raise ValueError("--sync_bn needs GPUs; leave it out on the CPU")
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    with ExitStack() as stack:
        folder = stack.enter_context(
            RunFolder(
                options.logdir,
                options.name,
                default_name(options),
                reuse=options.resume or options.step is not None,
            )
        )
        _train(options, device, model, benchmarks, folder, stack, plugins)
    return folder.path


def _train(
    options: Options,
    device: str,
    model: SegmentationModel,
    benchmarks: tuple[SegmentationScenario, SegmentationScenario],
    folder: RunFolder,
    stack: ExitStack,
    watching: Sequence[BasePlugin],
) -> None:
    task_benchmark, benchmark = benchmarks
    iou = make_mean_iou(options, task_benchmark)
    progress = Progress(memory=PeakMemory(device))
    data = record_data(benchmark)
    checkpoint = make_checkpoint(options, data, progress, folder.path)
    bars = stack.enter_context(closing(ProgressPlugin(every=options.print_interval)))
    strategy = make_strategy(
        options,
        model,
        device=device,
        iou=iou,
        run_folder=folder.path,
        plugins=[checkpoint, bars, *watching],
        palette=benchmark.palette,
    )
    stack.callback(close_loggers, strategy.evaluator.loggers)
    folder.check_data(data, resume=options.resume)
    experiences = steps_to_train(options, strategy, benchmark, checkpoint, progress, folder.path)
    folder.write_config(options, device)
    folder.write_json(DATA_FILE, data)
    print(announcement(options, benchmark, device, folder.path))
    shutdown = stack.enter_context(graceful_shutdown(checkpoint))
    for experience in experiences:
        step = experience.current_experience
        seed_everything(step_seed(options.random_seed, step))
        evaluated = benchmark.valid_stream if options.cross_val else benchmark.test_stream
        strategy.train(experience, eval_streams=[[evaluated[step]]])
        shutdown.trained = experience is experiences[-1]
        if is_main():  # Nothing that fails from here on costs the model.
            save_step(model_file(folder.path, step), strategy, progress, benchmark)
        strategy.eval([benchmark.test_stream[step]])
        progress.add(iou.report(step))
        if is_main():
            _write_step(
                step, options, strategy, task_benchmark, progress, folder, checkpoint.arithmetic
            )
        print(f"\nmIoU on the test set, % ({options.method} {options.task} {options.setting}):")
        print(table(progress.report.steps))
    print(f"\n{progress.stopwatch.seconds:.0f} s")


def _write_step(
    step: int,
    options: Options,
    strategy: Any,
    task_benchmark: SegmentationScenario,
    progress: Progress,
    folder: RunFolder,
    arithmetic: ArithmeticLog,
) -> None:
    """Write what was measured after a step, the pictures last: they may fail."""
    write_state_of(model_file(folder.path, step), strategy, progress)
    folder.write_metrics(progress.report, "test")
    folder.write_json("results.json", _results(options, task_benchmark, progress, arithmetic))
    draw_step(
        strategy.model,
        task_benchmark.test_stream[-1],
        progress.report,
        folder.path,
        palette=task_benchmark.palette,
        title=f"{options.method} {options.task}, after step {step}",
        n=options.sample_num,
    )


def make_checkpoint(
    options: Options, data: DataRecord, progress: Progress, folder: Path
) -> CheckpointPlugin:
    """The state of the run, which other settings or other data cannot go on with."""
    settings = options.determining()
    settings["fingerprint of the data"] = fingerprint(data)
    return CheckpointPlugin(
        folder / "checkpoint.pt",
        settings=settings,
        also=progress.by_name(),
        every_iterations=options.ckpt_iterations,
    )


def _results(
    options: Options,
    benchmark: SegmentationScenario,
    progress: Progress,
    arithmetic: ArithmeticLog,
) -> dict[str, object]:
    domains = {"domains": benchmark.domains} if benchmark.domains else {}
    return {
        "method": options.method,
        "task": options.task,
        "setting": options.setting,
        "seed": options.random_seed,
        **domains,
        "computed_with": arithmetic.entries,
        **progress.needed(),
        **progress.report.as_dict(),
    }
