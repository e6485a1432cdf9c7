"""What a run has measured so far, and how long it took."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from avalanche_seg.metrics import RunReport

__all__ = ["Progress", "Stopwatch"]


class Stopwatch:
    """Seconds a run has taken, over all the times it was resumed."""

    def __init__(self) -> None:
        self._before = 0.0
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """So far."""
        return round(self._before + time.perf_counter() - self._start, 1)

    def state_dict(self) -> dict[str, float]:
        """The seconds so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on counting from there."""
        self._before, self._start = state["seconds"], time.perf_counter()


@dataclass(frozen=True)
class Progress:
    """What a run has measured so far: what a step's state holds besides its method's.

    Attributes:
        report: the measures after every step.
        stopwatch: the time it took.
    """

    report: RunReport = field(default_factory=RunReport)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def by_name(self) -> dict[str, Any]:
        """The parts, each with ``state_dict`` and ``load_state_dict``."""
        return {"report": self.report, "stopwatch": self.stopwatch}
