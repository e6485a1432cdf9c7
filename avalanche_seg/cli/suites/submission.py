"""A suite on a cluster: workers of a SLURM array, each of which may die."""

import argparse
from pathlib import Path
from typing import Any

from avalanche_seg.cli.options.fields import read_values
from avalanche_seg.cli.suites.command import run_suite
from avalanche_seg.cli.suites.display import plan_text
from avalanche_seg.cli.suites.plan import make_plan
from avalanche_seg.cli.suites.suite_file import Suite, read_suite

__all__ = ["Worker", "submit"]


class Worker:
    """One worker's work; SLURM may end it at any time, and start it again.

    Args:
        suite: the suite.
        **options: of :func:`~avalanche_seg.cli.suites.command.run_suite`.
    """

    def __init__(self, suite: Suite, **options: Any) -> None:
        self.suite = suite
        self.options = options

    def __call__(self) -> int:
        """Work until nothing is left that no other worker has."""
        return run_suite(self.suite, **self.options)

    def checkpoint(self) -> Any:
        """What submitit asks for when the time is over or the machine is wanted: the same again."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def submit(given: argparse.Namespace) -> list[Any]:
    """Start workers on a cluster.

    Args:
        given: the arguments of ``avalanche-seg suite``.

    Returns:
        submitit's jobs.

    Raises:
        ValueError: without submitit, for options that it does not know, and bad suites.
    """
    try:
        import submitit
    except ImportError as error:
        raise ValueError(
            "--submit needs submitit; install it with pip install 'avalanche-seg[slurm]', or leave "
            "--submit out"
        ) from error
    suite = read_suite(given.file)
    plan = make_plan(suite, given.logdir, only=given.only)
    print(plan_text(plan))
    try:
        options = read_values(given.submit_options)
    except ValueError as error:
        raise ValueError(f"--submit_options: {error}") from error
    if given.dry_run:
        return []
    worker = Worker(
        suite,
        logdir=given.logdir.resolve(),
        jobs=given.jobs,
        threads=given.threads,
        only=given.only,
    )
    folder = Path(plan.folder).resolve() / "workers"
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=given.cluster)
        executor.update_parameters(name=f"suite {suite.name}".replace(" ", "-"), **options)
        with executor.batch():
            jobs = [executor.submit(worker) for _ in range(given.submit)]
    except (NameError, ValueError, RuntimeError, FileNotFoundError) as error:
        raise ValueError(
            f"the cluster {given.cluster!r} takes no workers ({error}); see --submit_options, or "
            "leave --submit out"
        ) from error
    print(f"{len(jobs)} workers: {', '.join(job.job_id for job in jobs)}; they write to {folder}")
    return jobs
