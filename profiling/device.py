"""Times, memory and busy time on a device: by events and the allocator, on a CPU by the clock."""

import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from profiling.measuring import Comparison, Work, seconds
from profiling.memory import extra_memory

__all__ = ["Device", "Stamp", "Watch", "covered"]

Stamp = float | torch.cuda.Event
"""A moment of :meth:`Device.stamp`."""


@dataclass(frozen=True)
class Device:
    """A GPU, or the CPU, on which the same table is made.

    Args:
        name: "cpu", "cuda" or "cuda:1".
    """

    name: str

    @property
    def is_cuda(self) -> bool:
        """Whether it is a GPU."""
        return torch.device(self.name).type == "cuda"

    @property
    def title(self) -> str:
        """The card's name, or "CPU"."""
        return torch.cuda.get_device_name(self.name) if self.is_cuda else "CPU"

    def wait(self) -> None:
        """Until everything queued on the device is done."""
        if self.is_cuda:
            torch.cuda.synchronize(self.name)

    def seconds(self, work: Work) -> float:
        """Seconds of one call: between two events on a GPU's queue, else on the clock."""
        if not self.is_cuda:
            return seconds(work)
        self.wait()
        begin = self.stamp()
        work()
        return self.between(begin, self.stamp())

    def stamp(self) -> Stamp:
        """This moment: an event on a GPU's queue, else the time on the clock."""
        if not self.is_cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, begin: Stamp, end: Stamp) -> float:
        """Seconds from one :meth:`stamp` to another."""
        if isinstance(begin, torch.cuda.Event) and isinstance(end, torch.cuda.Event):
            end.synchronize()
            return begin.elapsed_time(end) / 1e3
        assert isinstance(begin, float) and isinstance(end, float)
        return end - begin

    def compare(self, ours: Work, theirs: Work, *, rounds: int, warmup: int = 3) -> Comparison:
        """Time two functions in alternation, like :func:`profiling.measuring.compare`."""
        pairs = [(self.seconds(ours), self.seconds(theirs)) for _ in range(warmup + rounds)]
        mine, others = zip(*pairs[warmup:], strict=True)
        return Comparison(list(mine), list(others))

    def median(self, work: Work, *, rounds: int, warmup: int = 2) -> float:
        """Median seconds of a call."""
        return statistics.median([self.seconds(work) for _ in range(warmup + rounds)][warmup:])

    def extra_memory(self, work: Work) -> int:
        """Bytes that a call adds at its peak: by torch's allocator on a GPU, else the system's."""
        if not self.is_cuda:
            return extra_memory(work)
        self.wait()
        torch.cuda.reset_peak_memory_stats(self.name)
        before = torch.cuda.memory_allocated(self.name)
        work()
        self.wait()
        return torch.cuda.max_memory_allocated(self.name) - before

    @contextmanager
    def watch(self) -> Iterator["Watch"]:
        """Look at what the device does within the block."""
        watch = Watch()
        self.wait()
        processor, start = time.process_time(), time.perf_counter()
        if self.is_cuda:
            with profile(activities=[ProfilerActivity.CUDA]) as profiler:
                yield watch
                self.wait()
                watch.wall = time.perf_counter() - start
            watch.busy = 1e-6 * covered(
                (event.time_range.start, event.time_range.end)
                for event in profiler.events() or ()
                if event.device_type == DeviceType.CUDA
            )
        else:
            yield watch
            watch.wall = time.perf_counter() - start
            watch.busy = min(watch.wall, time.process_time() - processor)


@dataclass
class Watch:
    """What was seen of a device.

    Attributes:
        wall: seconds on the clock.
        busy: seconds of them in which a GPU ran a kernel or a copy; on a CPU this process's time.
    """

    wall: float = field(default=0.0)
    busy: float = field(default=0.0)


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """How much of a line is covered by intervals, which may overlap.

    Example:
        >>> covered([(0, 2), (5, 6), (1, 3), (2, 2.5)])
        4
    """
    total: float = 0
    reached = float("-inf")
    for start, end in sorted(intervals):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
