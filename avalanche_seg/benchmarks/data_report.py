"""A data set looked at before anyone trains: its files, its classes, its steps, what is wrong."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from avalanche_seg.benchmarks import data_checks
from avalanche_seg.benchmarks.options import Setting, Task, check_options
from avalanche_seg.benchmarks.sources import described
from avalanche_seg.benchmarks.step_counts import StepCounts, count_steps, steps_of, usual_tasks
from avalanche_seg.datasets import (
    SegmentationFiles,
    Split,
    SplitFacts,
    image_suffixes,
    inspect_split,
)

__all__ = ["DataReport", "Finding", "Severity", "check_data"]

Severity = Literal["error", "warning", "note"]
"""An error stops a training; a warning may spoil it; a note is good to know."""

_LEAST = 2  # Training images of a step, for batch norm.


class Finding(NamedTuple):
    """Something about a data set that its user should know.

    Attributes:
        severity: see :data:`Severity`.
        message: a sentence that names file and remedy.
    """

    severity: Severity
    message: str


@dataclass(frozen=True, eq=False)
class DataReport:
    """What :func:`check_data` found.

    Attributes:
        files: the data set.
        train: facts of the training split.
        test: facts of the test split.
        steps: images by step of every task and setting.
        findings: errors first, then warnings, then notes.
    """

    files: SegmentationFiles
    train: SplitFacts
    test: SplitFacts
    steps: tuple[StepCounts, ...]
    findings: tuple[Finding, ...]

    @property
    def is_trainable(self) -> bool:
        """Whether nothing was found that would stop a training."""
        return all(finding.severity != "error" for finding in self.findings)


def check_data(
    files_or_name: SegmentationFiles | str,
    root: str | Path | None = None,
    *,
    tasks: Sequence[Task] | None = None,
    settings: Sequence[Setting] = get_args(Setting),
    class_order: Sequence[int] | str | None = None,
    pixels: bool = True,
    progress: bool = True,
) -> DataReport:
    """Look at every file of a data set before training; nothing stops at the first bad one.

    Args:
        files_or_name: as for :func:`avalanche_seg.benchmarks.incremental_benchmark`.
        root: as there.
        tasks: whose steps are counted, and must have images; None counts the literature's tasks
            for so many classes, and steps without an image are notes.
        settings: the settings to count them in.
        class_order: a permutation of the foreground ids, or the name of one of the data set's.
        pixels: decode every image, to find damaged pixels and the mean of the channels; False reads
            the heads of the images alone, which takes a fraction of the time.
        progress: show progress bars.

    Raises:
        ValueError: for a data set whose lists cannot be read, an unknown task, setting or order.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     devkit = make_synthetic_voc(folder, n_train=20, n_val=20, size=(48, 64))
        ...     report = check_data("voc", devkit, tasks=["15-5"], progress=False)
        >>> report.is_trainable, report.steps[0].setting, report.steps[0].classes
        (True, 'disjoint', (15, 5))
    """
    files = described(files_or_name, root)
    if tasks is None:
        tasks = usual_tasks(files.n_foreground) if files.domains is None else ()
        of_steps: Severity = "note"
    else:
        of_steps = "error"
    # Now: looking at all files takes a while.
    wanted = [(task, steps_of(files, task, class_order)) for task in tasks]
    for setting in settings:
        check_options(setting=setting)
    train, test = (
        inspect_split(split, pixels=pixels, progress=progress)
        for split in (files.train, files.test)
    )
    steps: list[StepCounts] = []
    impossible: list[Finding] = []
    for (task, classes), setting in product(wanted, settings):
        try:
            counts = count_steps(files, train.statistics, test.statistics, task, classes, setting)
        except ValueError as error:  # Such as a published partition of another list of images.
            impossible.append(Finding(of_steps, f"task={task!r}, setting={setting!r}: {error}"))
        else:
            steps.append(counts)
    found = [
        *_of_split(files, train),
        *_of_split(files, test),
        *_of_both(files, train, test),
        *impossible,
        *_of_steps(steps, of_steps),
        *_of_domains(files),
    ]
    order = get_args(Severity)
    found.sort(key=lambda finding: order.index(finding.severity))
    return DataReport(files, train, test, tuple(steps), tuple(found))


def _of_domains(files: SegmentationFiles) -> Iterator[Finding]:
    """How many images every domain has, where steps are domains."""
    if files.domains is None:
        return
    numbers = files.domains.numbers((*files.train.images, *files.test.images))
    counts = np.bincount(numbers, minlength=len(files.domains.names)).tolist()
    each = ", ".join(f"{name} {n}" for name, n in zip(files.domains.names, counts, strict=True))
    yield Finding("note", f"steps are domains, in this order, with so many images: {each}")


def _of_split(files: SegmentationFiles, facts: SplitFacts) -> Iterator[Finding]:
    for message in facts.refused:
        yield Finding("error", message)
    split, counts = facts.split, facts.statistics.counts
    is_class = files.zero_is == "class"
    two_valued = data_checks.two_valued(split, counts, zero_is_a_class=is_class)
    yield from (Finding("warning", message) for message in (two_valued,) if message is not None)
    yield from (Finding("note", message) for message in facts.remarks)


def _of_both(files: SegmentationFiles, train: SplitFacts, test: SplitFacts) -> Iterator[Finding]:
    (train_split, train_digests), (test_split, test_digests) = _readable(train), _readable(test)
    shared = data_checks.overlap(train_split, test_split, train_digests, test_digests)
    if shared is not None:
        yield Finding("warning", shared)
    yield from _of_classes(files, train, test)
    yield from _unlisted(files)


def _of_classes(files: SegmentationFiles, train: SplitFacts, test: SplitFacts) -> Iterator[Finding]:
    """Classes that no training mask shows."""
    trained, tested = (
        {v for v in files.foreground_ids if facts.statistics.counts[:, v].any()}
        for facts in (train, test)
    )
    missing = [files.class_names[v] for v in files.foreground_ids if v not in trained]
    if not trained:
        hint = data_checks.two_valued_hint(train.statistics)
        yield Finding(
            "error", f"{train.split.root}/{train.split.name}: no mask shows a class{hint}"
        )
    elif missing:
        have = "has" if len(missing) == 1 else "have"
        only = [name for name in missing if files.class_names.index(name) in tested]
        also = f"; in {test.split.name} only: {data_checks.listed(only)}" if only else ""
        yield Finding(
            "warning",
            f"{len(missing)} of {files.n_foreground} classes {have} no pixel in the training masks "
            f"and cannot be learned: {data_checks.listed(missing)}{also}; correct the masks, the "
            "list of class names or the lists of images",
        )


def _readable(facts: SplitFacts) -> tuple[Split, data_checks.Digests]:
    """The samples with contents that are known, and their digests."""
    kept = np.flatnonzero(facts.is_readable)
    images, masks = ([files[i] for i in kept] for files in (facts.split.images, facts.split.masks))
    part = replace(facts.split, images=tuple(images), masks=tuple(masks), extras={})
    return part, facts.statistics.digests[kept]


def _unlisted(files: SegmentationFiles) -> Iterator[Finding]:
    """Images that lie beside those of the lists."""
    listed = {item for item in (*files.train.images, *files.test.images) if isinstance(item, Path)}
    for folder in sorted({path.parent for path in listed}):
        others = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in image_suffixes() and path not in listed
        ]
        if others:
            yield Finding(
                "note",
                f"{len(others)} of the images in {folder} are on neither list, such as "
                f"{min(others).name}",
            )


def _of_steps(steps: Iterable[StepCounts], severity: Severity) -> Iterator[Finding]:
    """Tasks in which a step has too few images, with the settings that make it so."""
    found: dict[tuple[str, str], list[str]] = {}
    for counts in steps:
        few = [(step, n) for step, n in enumerate(counts.train) if n < _LEAST]
        if few:
            step, n = few[0]
            images = "one training image" if n == 1 else "no training image"
            more = f", and {len(few) - 1} more steps have too few" if len(few) > 1 else ""
            told = (
                f"step {step} has {images}{more}; expected {_LEAST} or more in every step, for "
                "batch norm: choose another setting, task or class order"
            )
            found.setdefault((str(counts.task), told), []).append(counts.setting)
        if counts.test[0] == 0:
            told = "no test image shows a class of step 0; choose another task or class order"
            found.setdefault((str(counts.task), told), []).append(counts.setting)
    for (task, told), settings in found.items():
        yield Finding(severity, f"task {task} ({data_checks.listed(settings)}): {told}")
