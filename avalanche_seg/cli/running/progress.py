"""What a run has measured so far, how long it took, and the most memory it needed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from avalanche_seg.metrics import RunReport, StepReport
from avalanche_seg.system import least_of_ranks, peak_memory, reset_peak_memory

__all__ = ["PeakMemory", "Progress", "Stopwatch"]


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


class PeakMemory:
    """The most memory that a process of a run has needed, over all the times it was resumed.

    Args:
        device: on which the run computes.

    Attributes:
        peaks: bytes by kind, as :func:`avalanche_seg.system.peak_memory`; of the process that
            needed most.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.peaks: dict[str, int] = {}
        self._device = device
        reset_peak_memory(device)

    def measure(self) -> None:
        """Look at the peaks so far; of several processes all must call it."""
        self._raise({kind: -least_of_ranks(-n) for kind, n in peak_memory(self._device).items()})

    def _raise(self, peaks: Mapping[str, int]) -> None:
        for kind, value in peaks.items():
            self.peaks[kind] = max(value, self.peaks.get(kind, 0))

    def state_dict(self) -> dict[str, int]:
        """The peaks so far, of this process since the last :meth:`measure`."""
        self._raise(peak_memory(self._device))
        return dict(self.peaks)

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there."""
        self._raise(state)


@dataclass(frozen=True)
class Progress:
    """What a run has measured so far: what a step's state holds besides its method's.

    Attributes:
        report: the measures after every step.
        stopwatch: the time it took.
        memory: the most it needed.
    """

    report: RunReport = field(default_factory=RunReport)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    memory: PeakMemory = field(default_factory=PeakMemory)

    def add(self, report: StepReport) -> None:
        """Append what was measured after a step; of several processes all must call it."""
        self.report.add(report)
        self.memory.measure()

    def needed(self) -> dict[str, Any]:
        """Time in seconds and peak memory in bytes by kind, as results.json has them."""
        return {"seconds": self.stopwatch.seconds, "peak_memory": self.memory.peaks}

    def by_name(self) -> dict[str, Any]:
        """The parts, each with ``state_dict`` and ``load_state_dict``."""
        return {"report": self.report, "stopwatch": self.stopwatch, "memory": self.memory}
