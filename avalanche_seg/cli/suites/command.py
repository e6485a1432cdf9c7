"""Many runs in one command: ``avalanche-seg suite FILE``."""

import argparse
import json
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from avalanche_seg.cli.failures import BAD_INPUT, INTERRUPTED
from avalanche_seg.cli.options.parser import normalize_flags
from avalanche_seg.cli.suites.display import LiveTable, plan_text, summary
from avalanche_seg.cli.suites.plan import Plan, make_plan
from avalanche_seg.cli.suites.scheduler import Scheduler
from avalanche_seg.cli.suites.suite_file import Suite, make_suite, read_suite
from avalanche_seg.system import atomic_write, expand_home

__all__ = ["SUITE_FILE", "main", "run_suite"]

SUITE_FILE = "suite.json"
"""Of a suite's folder: the command of every job."""
_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 1 when a run failed, 2 for bad input, 130 after an interruption.
    """
    try:
        given = _parser().parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
        for name in ("jobs", "threads", "submit"):
            value = getattr(given, name)
            if value is not None and value < 1:
                raise ValueError(f"--{name} {value}; expected one or more")
        if given.submit is not None:
            from avalanche_seg.cli.suites.submission import submit

            submit(given)
            return 0
        suite = read_suite(given.file)
        return run_suite(
            suite,
            logdir=given.logdir,
            jobs=given.jobs,
            threads=given.threads,
            only=given.only,
            dry_run=given.dry_run,
        )
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except BAD_INPUT as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run_suite(
    suite: Suite | Mapping[str, Any],
    *,
    logdir: str | Path = "runs",
    jobs: int = 1,
    threads: int | None = None,
    only: Sequence[str] = (),
    dry_run: bool = False,
) -> int:
    """Work a suite off; what is finished is skipped, and what was begun goes on.

    Args:
        suite: of :func:`read_suite`, or the plain values that a suite file holds.
        logdir: where the folder of the suite is, or will be.
        jobs: runs at a time; of several GPUs each gets one in turn.
        threads: of every job; None shares those of this process out.
        only: names of runs, with ``*`` and ``?``; none takes all.
        dry_run: print the plan alone.

    Returns:
        0, or 1 when a run failed.

    Raises:
        ValueError: for bad input, before anything is trained.
        KeyboardInterrupt: when it was interrupted; every job has saved its state.

    Example::

        run_suite({"task": "15-5", "method": ["FT", "MiB"], "random_seed": [0, 1]}, jobs=2)
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A job's process imports the script that started it, and is to run the job alone.
        print(
            'error: call run_suite under if __name__ == "__main__": the processes of its jobs '
            "import this script",
            file=sys.stderr,
        )
        sys.exit(2)
    made = suite if isinstance(suite, Suite) else make_suite(suite)
    plan = make_plan(made, Path(logdir), only=only)
    print(plan_text(plan))
    if dry_run:
        return 0
    _write_plan(plan)
    with LiveTable(plan) as table, _terminated_as_interrupted():
        scheduler = Scheduler(
            plan=plan,
            places=jobs,
            threads=threads or max(1, torch.get_num_threads() // jobs),
            gpus=[str(i) for i in range(torch.cuda.device_count())] if jobs > 1 else [],
            note=table.note,
            show=table.show,
        )
        scheduler.work()
    print(summary(plan, scheduler.states))
    print(f"avalanche-seg report {plan.folder} makes a page of what is finished")
    return 0 if all(state.told == "finished" for state in scheduler.states) else _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="avalanche-seg suite",
        description="Train the runs of a suite: methods, tasks, settings, seeds, options. Runs "
        "whose step 0 is the same share it. Called again it skips what is finished and goes on "
        "with what is not; it may be called on several machines that share the folder.",
        epilog="FILE is TOML: options of avalanche-seg run without their dashes; of a list every "
        "value is taken with every one of the others; blocks [[runs]] add to those at the top; "
        'extends = "other.toml" begins with another file\'s. Results go to LOGDIR/NAME.',
        allow_abbrev=False,
    )
    parser.add_argument("file", type=expand_home, help="the suite")
    parser.add_argument(
        "--logdir",
        type=expand_home,
        default=Path("runs"),
        help="folder of the suite's folder (default: runs)",
    )
    parser.add_argument("--dry_run", action="store_true", help="print the plan, train nothing")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="runs of these names; * and ? stand for any letters",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        help="runs at a time, each on a GPU of its own while there are enough (default: 1)",
    )
    parser.add_argument(
        "--threads", type=int, help="threads of every job (default: those there are, shared out)"
    )
    group = parser.add_argument_group("a cluster (pip install avalanche-seg[slurm])")
    group.add_argument(
        "--submit", type=int, metavar="N", help="let N workers of a SLURM array work at it"
    )
    group.add_argument(
        "--cluster",
        choices=("slurm", "local"),
        default="slurm",
        help="local starts the workers as processes of this machine (default: slurm)",
    )
    group.add_argument(
        "--submit_options",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="of submitit, such as "
        "timeout_min=600 slurm_partition=gpu gpus_per_node=1 cpus_per_task=8",
    )
    return parser


def _write_plan(plan: Plan) -> None:
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(plan.folder / SUITE_FILE) as temporary:
            temporary.write_text(json.dumps(plan.as_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"{plan.folder} cannot be written ({error}); pass another --logdir"
        ) from error


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let a termination, such as a cluster's, save every job's state as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # Not in the main thread.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
