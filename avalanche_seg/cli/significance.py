"""Whether two methods are apart, judged by runs that share their seeds."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import t as student

__all__ = ["Difference", "paired_difference"]

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
