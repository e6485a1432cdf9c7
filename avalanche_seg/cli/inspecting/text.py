"""What was found in a data set, as text for the terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.benchmarks import DataReport, StepCounts
from avalanche_seg.datasets import SegmentationFiles, SplitFacts
from avalanche_seg.labels import BACKGROUND, void_label
from avalanche_seg.metrics import shown_name

__all__ = ["report_text", "shares_of_pixels"]

_MOST_FINDINGS = 10  # Of a severity.
_MOST_STEPS = 12  # Of a task, whose numbers are shown.
_VOID_ENTRY = -1  # Of tables over the dataset ids.
_ZERO_IS = {
    "background": "0 is the background",
    "class": "0 is a class as any other",
    "unlabelled": "0 is unlabelled, as void",
}


def report_text(report: DataReport) -> str:
    """The whole report: splits, classes, steps, findings and a last line that says what follows."""
    files = report.files
    parts = [
        f"{files.name}: {files.n_foreground} classes, {_ZERO_IS[files.zero_is]}",
        _aligned(list(_splits(report.train, report.test, files)), left=1),
        _aligned(list(_classes(files, report.train, report.test)), left=0, text=1),
        _steps(report.steps),
        _findings(report),
    ]
    return "\n\n".join(part for part in parts if part)


def shares_of_pixels(facts: SplitFacts) -> NDArray[np.float64]:
    """The share of a split's pixels by dataset id, the last one void's; 0 of an empty split."""
    pixels = facts.statistics.counts.sum(axis=0)
    shares: NDArray[np.float64] = pixels / max(1, int(pixels.sum()))
    return shares


def _splits(train: SplitFacts, test: SplitFacts, files: SegmentationFiles) -> Iterator[list[str]]:
    """One line a property, one column a split."""
    both = (train, test)
    yield ["", *(facts.split.name for facts in both)]
    yield ["images", *(f"{len(facts.split):,}" for facts in both)]
    yield ["files", *(_tally(facts.kinds.most_common()) for facts in both)]
    yield ["width x height", *(_sizes(facts) for facts in both)]
    void = [_VOID_ENTRY, BACKGROUND] if files.zero_is == "unlabelled" else [_VOID_ENTRY]
    shares = (shares_of_pixels(facts)[void].sum() for facts in both)
    yield ["unlabelled (void)", *(_percent(share) for share in shares)]
    if any(facts.mean for facts in both):
        yield ["mean by channel", *(_numbers(facts.mean) for facts in both)]
        yield ["deviation", *(_numbers(facts.std) for facts in both)]


def _tally(kinds: Sequence[tuple[str, int]]) -> str:
    if len(kinds) == 1:
        return kinds[0][0]
    return ", ".join(f"{kind} {n:,}" for kind, n in kinds[:3]) + (", ..." if kinds[3:] else "")


def _sizes(facts: SplitFacts) -> str:
    """The one size, or the smallest, largest and most frequent."""
    known = facts.sizes[facts.sizes.any(axis=1)]
    if len(known) == 0:
        return "unknown"
    sizes, counts = np.unique(known, axis=0, return_counts=True)
    shown = [f"{width}x{height}" for height, width in sizes.tolist()]
    if len(shown) == 1:
        return shown[0]
    area = sizes.prod(axis=1)
    most = int(counts.argmax())
    return (
        f"{shown[int(area.argmin())]} to {shown[int(area.argmax())]}, "
        f"{shown[most]} {_percent(counts[most] / len(known))}"
    )


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values) or "unknown"


def _percent(share: float) -> str:
    """In percent, with two decimals; of rare classes the first digit that counts."""
    percent = 100 * share
    return f"{percent:.2f} %" if percent >= 0.01 or percent == 0 else f"{percent:.0e} %"


def _classes(files: SegmentationFiles, train: SplitFacts, test: SplitFacts) -> Iterator[list[str]]:
    """One line a value of the masks, images and pixels of both splits."""
    both = (train, test)
    heads = (f"{facts.split.name} {what}" for facts in both for what in ("images", "pixels"))
    yield ["id", "class", *heads]
    tables = [(f.statistics.presence.sum(axis=0), shares_of_pixels(f)) for f in both]
    n_ids = len(files.class_names)
    names = [*map(shown_name, files.class_names), "void"]
    ids = [*range(n_ids), void_label(n_ids)]
    for entry, class_id, name in zip((*range(n_ids), _VOID_ENTRY), ids, names, strict=True):
        cells = (
            cell
            for images, shares in tables
            for cell in (f"{images[entry]:,}", _percent(shares[entry]))
        )
        yield [str(class_id), name, *cells]


def _steps(steps: Sequence[StepCounts]) -> str:
    """Images by step; settings that give the same share a line."""
    if not steps:
        return ""
    rows = [["task", "setting", "new classes", "training images", "test images after the step"]]
    for _, group in groupby(steps, key=lambda one: str(one.task)):
        alike: dict[tuple[int, ...], list[StepCounts]] = {}
        for one in group:
            alike.setdefault(one.train, []).append(one)
        for same in alike.values():
            first, names = same[0], ", ".join(map(attrgetter("setting"), same))
            numbers = map(_by_step, (first.classes, first.train, first.test))
            rows.append([str(first.task), names, *numbers])
    return "images by step\n" + _aligned(rows, left=5)


def _by_step(numbers: Sequence[int]) -> str:
    if len(numbers) <= _MOST_STEPS:
        return " ".join(map(str, numbers))
    first = " ".join(map(str, numbers[: _MOST_STEPS - 2]))
    return f"{first} ... {numbers[-1]} ({len(numbers)} steps, the least {min(numbers)})"


def _findings(report: DataReport) -> str:
    lines = []
    for severity, group in groupby(report.findings, key=attrgetter("severity")):
        messages = [f"{severity}: {finding.message}" for finding in group]
        more = len(messages) - _MOST_FINDINGS
        lines += messages[:_MOST_FINDINGS]
        lines += [f"{severity}: ... and {more:,} more"] if more > 0 else []
    n_errors = sum(finding.severity == "error" for finding in report.findings)
    found = "1 error stops" if n_errors == 1 else f"{n_errors:,} errors stop"
    lines.append(f"{found} a training" if n_errors else "nothing stops a training")
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]], *, left: int, text: int | None = None) -> str:
    """Columns of equal width: the first ``left`` ones and ``text`` to the left, others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left or i == text else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
