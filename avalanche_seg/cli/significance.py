"""Whether two methods are apart, judged by runs that share their seeds."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student

from avalanche_seg.cli.groups import Group, Section

__all__ = ["Difference", "check_against", "paired_difference", "told_apart"]

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """One method minus another, over the seeds that both have.

    Attributes:
        values: the difference by seed.
        low, high: ends of the confidence interval of their mean; infinite with one seed.
    """

    values: tuple[float, ...]
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Over the seeds; NaN without any."""
        return statistics.mean(self.values) if self.values else math.nan

    @property
    def apart(self) -> bool | None:
        """Whether the interval leaves zero out; None where it cannot be told."""
        return None if math.isinf(self.low) else not self.low <= 0 <= self.high

    def __str__(self) -> str:
        n = len(self.values)
        seeds = f"{n} seed{'s' if n != 1 else ''}"
        if self.apart is None:
            shown = f"{self.mean:+.1f}, " if self.values else ""
            return f"cannot be told: {shown}{seeds} in common, two or more are needed"
        interval = f"{self.mean:+.1f} [{self.low:.1f}, {self.high:.1f}], {seeds}"
        return f"{'apart' if self.apart else 'not apart'}: {interval}"


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Difference:
    """The mean of first minus second over their common seeds, with its 95 % confidence interval.

    d +- t(0.975, n - 1) s / sqrt(n), where d and s are mean and standard deviation of the n
    differences and t is the quantile of Student's distribution (Student, Biometrika 1908): the
    paired t test at 5 %. Runs of one seed share their order of images and initial weights, so that
    their difference varies less than they do.

    Args:
        first: values by seed.
        second: the same of another method.

    Example:
        >>> print(paired_difference({0: 32.0, 1: 33.0, 2: 34.0}, {0: 30.0, 1: 31.0, 2: 31.5}))
        apart: +2.2 [1.4, 2.9], 3 seeds
        >>> print(paired_difference({0: 32.0}, {0: 30.0}))
        cannot be told: +2.0, 1 seed in common, two or more are needed
    """
    values = tuple(first[seed] - second[seed] for seed in sorted(first.keys() & second.keys()))
    n = len(values)
    if n < 2:
        return Difference(values, -math.inf, math.inf)
    mean = statistics.mean(values)
    quantile = float(student.ppf((1 + _CONFIDENCE) / 2, n - 1))
    half = quantile * statistics.stdev(values) / math.sqrt(n)
    return Difference(values, mean - half, mean + half)


def told_apart(section: Section, against: str | None = None) -> list[str]:
    """Which methods of a task are apart in the mIoU of all classes, in sentences.

    Args:
        section: the groups; those that learn all classes at once are compared only when named.
        against: the method, or its label, that all others are compared with; None compares every
            method with the next best. A section that does not have it has no sentences.
    """
    means = {group.label: group.by_seed("mIoU_all") for group in section.groups}
    pairs = _pairs(section, means, against)
    if not pairs:
        return []
    found = [(a, b, paired_difference(means[a], means[b])) for a, b in pairs]
    if all(difference.apart is None for _, _, difference in found):
        return ["No two methods share two seeds: which is better cannot be told."]
    return [f"{a} - {b}: {difference}" for a, b, difference in found]


def check_against(sections: Sequence[Section], against: str | None) -> None:
    """Raise a ValueError when no section has the method that others are to be compared with."""
    known = {group.label: group for section in sections for group in section.groups}
    if against is not None and not any(_is(group, against) for group in known.values()):
        raise ValueError(
            f"--against {against}: no run is of it; expected one of {', '.join(known)}"
        )


def _pairs(
    section: Section, means: Mapping[str, Mapping[int, float]], against: str | None
) -> list[tuple[str, str]]:
    groups = [group for group in section.groups if means[group.label]]
    if against is not None:
        bases = [group.label for group in groups if _is(group, against)]
        return [(g.label, base) for base in bases for g in groups if g.label != base]
    labels = [group.label for group in groups if not group.is_bound]
    labels.sort(key=lambda label: -statistics.mean(means[label].values()))
    return list(itertools.pairwise(labels))


def _is(group: Group, name: str) -> bool:
    method = str(group.runs[0].config["method"])
    return name.lower() in (group.label.lower(), method.lower())
