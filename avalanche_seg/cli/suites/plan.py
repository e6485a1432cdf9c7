"""What a suite has to do: its jobs, with the first steps that several runs share."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.cli.options.options import SPECS, Options
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.benchmarks import make_benchmarks
from avalanche_seg.cli.running.data_record import DataRecord, data_changes, record_data
from avalanche_seg.cli.running.feasible import check_feasible
from avalanche_seg.cli.running.run_folder import DATA_FILE
from avalanche_seg.cli.running.steps import model_file
from avalanche_seg.cli.suites.expansion import RunSettings, argv_of, expand
from avalanche_seg.cli.suites.first_step import (
    first_step_key,
    first_step_method,
    first_step_values,
)
from avalanche_seg.cli.suites.jobs import Job, read_json
from avalanche_seg.cli.suites.suite_file import Suite

__all__ = ["FIRST_STEPS", "RUNS", "Plan", "make_plan"]

RUNS = "runs"
"""Folder of a suite's runs."""
FIRST_STEPS = "first_steps"
"""Folder of the first steps that they share."""


@dataclass(frozen=True)
class Plan:
    """The jobs of a suite.

    Attributes:
        name: of the suite.
        folder: of the suite.
        runs: in the order of the file.
        first_steps: that two runs or more share.
    """

    name: str
    folder: Path
    runs: list[Job]
    first_steps: list[Job]

    @property
    def jobs(self) -> list[Job]:
        """Every job, a first step before the runs that need it."""
        found: dict[Job, None] = {}
        for run in self.runs:
            if run.first_step is not None:
                found[run.first_step] = None
            found[run] = None
        return list(found)

    def is_needed(self, job: Job) -> bool:
        """Whether a job is left to do, or its model to be read by one that is."""
        if not job.is_first_step:
            return not job.finished
        return any(run.first_step is job and not run.finished for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the command of every job."""
        return {
            "name": self.name,
            "runs": {
                job.name: {
                    "argv": job.argv,
                    "first_step": None if job.first_step is None else job.first_step.name,
                }
                for job in self.runs
            },
            "first_steps": {job.name: {"argv": job.argv} for job in self.first_steps},
        }


def make_plan(suite: Suite, logdir: Path, *, only: Sequence[str] = ()) -> Plan:
    """Read the data of a suite, and find out which of its runs share their first step.

    Args:
        suite: the suite.
        logdir: where its folder is, or will be.
        only: names of runs, with ``*`` and ``?``; none takes all. They share their first steps
            with the others, which another call or machine may train.

    Raises:
        ValueError: for settings or data that cannot work, a name of which no run is, and a run
            whose folder has one with other settings.
    """
    folder = logdir / suite.name
    reader = _Reader()
    every = expand(suite)
    chosen = _chosen(every, only)
    runs, keys, together = [], {}, Counter[str]()
    for settings in every:
        try:
            benchmark = reader.benchmark(settings.options)
        except ValueError as error:
            if settings not in chosen:  # Its data may be on another machine.
                continue
            raise ValueError(f"{settings.name}: {error}") from error
        key = _shared_key(settings, benchmark, reader)
        if key is not None:
            together[key] += 1
        if settings not in chosen:
            continue
        job = _job(settings, folder / RUNS / settings.name, benchmark)
        _check_earlier(job, reader)
        runs.append(job)
        if key is not None:
            keys[job] = (key, settings)
    first_steps: dict[str, Job] = {}
    for job, (key, settings) in keys.items():
        base = _first_step_job(settings, key, folder, job)
        own = model_file(job.folder, 0)
        trained_alone = own.is_file() and not own.is_symlink()
        if trained_alone or (together[key] < 2 and not base.folder.is_dir()):
            continue
        job.first_step = first_steps.setdefault(key, base)
        job.iterations.pop(0)
    return Plan(suite.name, folder, runs, list(first_steps.values()))


_OF_FILES = ("dataset", "data_root", "images", "masks", "split", "classes", "saliency")


class _Reader:
    """Benchmarks by what they depend on, each made once, and the records of their files."""

    def __init__(self) -> None:
        self._made: dict[str, SegmentationScenario] = {}
        self._recorded: dict[str, DataRecord] = {}

    def benchmark(self, options: Options) -> SegmentationScenario:
        told = self._told(options)
        if told not in self._made:
            self._made[told] = make_benchmarks(options)[1]
        check_feasible(options, self._made[told])
        return self._made[told]

    def record(self, options: Options) -> DataRecord:
        """Reads every file: only for what was begun before."""
        told = repr([getattr(options, name) for name in _OF_FILES])
        if told not in self._recorded:
            self._recorded[told] = record_data(self.benchmark(options))
        return self._recorded[told]

    def _told(self, options: Options) -> str:
        names = [name for name, spec in SPECS.items() if spec.group == "data"]
        told = repr([getattr(options, name) for name in (*names, "random_seed", "crop_size")])
        return told + str(options.method == "JOINT")


def _chosen(runs: list[RunSettings], only: Sequence[str]) -> list[RunSettings]:
    for pattern in only:
        if not any(fnmatch(run.name, pattern) for run in runs):
            raise ValueError(
                f"--only {pattern}: no run is called so; the suite has "
                f"{', '.join(run.name for run in runs)}"
            )
    return [run for run in runs if not only or any(fnmatch(run.name, each) for each in only)]


def _job(settings: RunSettings, folder: Path, benchmark: SegmentationScenario) -> Job:
    options = settings.options
    iterations = {}
    for step, experience in enumerate(benchmark.train_stream):
        epochs = options.epochs if step == 0 else options.epochs_later
        n_images = len(experience.data.indices)
        if step > 0 and options.exemplars and options.exemplars_share is None:
            n_images += options.exemplars * len(experience.previous_classes)  # At the most.
        iterations[step] = max(1, n_images // options.batch_size) * epochs
    return Job(settings.name, folder, settings.argv, options, iterations)


def _shared_key(
    settings: RunSettings, benchmark: SegmentationScenario, reader: _Reader
) -> str | None:
    """The key of a run's first step, where training that step alone gives the same one."""
    key = first_step_key(settings.options, benchmark)
    if key is None:
        return None
    alone = parse(argv_of(first_step_values(settings)))
    return key if first_step_key(alone, reader.benchmark(alone)) == key else None


def _first_step_job(settings: RunSettings, key: str, folder: Path, run: Job) -> Job:
    values = first_step_values(settings)
    options = parse(argv_of(values))
    base = first_step_method(settings.options.method)
    name = f"step0_{base}_s{options.random_seed}_{key}"
    return Job(
        name,
        folder / FIRST_STEPS / name,
        argv_of(values),
        options,
        {0: run.iterations[0]},
        is_first_step=True,
    )


def _check_earlier(job: Job, reader: _Reader) -> None:
    """Refuse a run of the same name with other settings or data, as edited suites make them."""
    config = read_json(job.folder / "config.json")
    mine = _plain(job.options.determining())
    changed = [
        f"{name} was {config.get(name)!r} and is {value!r}"
        for name, value in mine.items()
        # What "auto" stands for is recorded by the run.
        if config and config.get(name) != value and value != "auto"
    ]
    if changed:
        raise ValueError(
            f"{job.folder} has a run of this name with other settings: {'; '.join(changed)}; give "
            "the block of runs another name (name = ...), or move the folder away"
        )
    before = read_json(job.folder / DATA_FILE)
    if before and (changes := data_changes(before, reader.record(job.options))):
        raise ValueError(
            f"{job.folder} was made with other data ({changes}); put them back, give the block of "
            "runs another name (name = ...), or move the folder away"
        )


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives them back."""
    found: dict[str, Any] = json.loads(json.dumps(settings))
    return found
