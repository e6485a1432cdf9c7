"""Times of two ways to do the same thing, measured side by side."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

import torch

__all__ = [
    "Clock",
    "Comparison",
    "compare",
    "in_fresh_process",
    "in_passes",
    "seconds",
    "single_thread",
]

Work = Callable[[], Any]
Clock = Callable[[], float]
_T = TypeVar("_T")
_Case = TypeVar("_Case", bound=Hashable)


@dataclass(frozen=True)
class Comparison:
    """Seconds a call of two implementations, measured in alternation.

    The ratio is taken inside every pair, so that what slows the machine for a while slows both
    sides of it.

    Attributes:
        ours: seconds of every call of ours.
        theirs: seconds of every call of the other, in the same order.

    Example:
        >>> result = Comparison([1.0, 2.0, 1.0], [8.0, 18.0, 10.0])
        >>> result.ratio, result.text()
        (9.0, '9.0x (8.5 to 9.5)')
    """

    ours: list[float]
    theirs: list[float]

    @property
    def ours_median(self) -> float:
        """Median seconds of ours."""
        return statistics.median(self.ours)

    @property
    def theirs_median(self) -> float:
        """Median seconds of the other."""
        return statistics.median(self.theirs)

    def __add__(self, other: "Comparison") -> "Comparison":
        """The pairs of both."""
        return Comparison(self.ours + other.ours, self.theirs + other.theirs)

    @property
    def ratio(self) -> float:
        """How many times faster ours is: the median over pairs."""
        return statistics.median(self._ratios)

    @property
    def low(self) -> float:
        """The lower quartile of the ratios."""
        return self._quartiles[0]

    @property
    def high(self) -> float:
        """The upper quartile of the ratios."""
        return self._quartiles[2]

    def text(self) -> str:
        """The ratio and its quartiles, as in "8.3x (8.1 to 8.6)"; two decimals below 2."""
        digits = 1 if self.ratio >= 2 else 2
        return f"{self.ratio:.{digits}f}x ({self.low:.{digits}f} to {self.high:.{digits}f})"

    @property
    def _ratios(self) -> list[float]:
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def _quartiles(self) -> list[float]:
        ratios = self._ratios
        return statistics.quantiles(ratios, n=4, method="inclusive") if ratios[1:] else ratios * 3


def compare(
    ours: Work,
    theirs: Work,
    *,
    rounds: int = 7,
    warmup: int = 1,
    clock: Clock = time.perf_counter,
) -> Comparison:
    """Time two functions in alternation: ours, theirs, ours, ...

    Args:
        ours: a call without arguments.
        theirs: a call that does the same thing another way.
        rounds: pairs that count.
        warmup: pairs before them that do not.
        clock: tells seconds; ``time.process_time`` counts the processor's alone, so that other
            programs hardly matter.

    Raises:
        ValueError: when ``rounds`` is less than one.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}; expected one or more")
    pairs = [(seconds(ours, clock), seconds(theirs, clock)) for _ in range(warmup + rounds)]
    times = pairs[warmup:]
    return Comparison([pair[0] for pair in times], [pair[1] for pair in times])


def in_fresh_process(function: Callable[..., _T], *args: Any) -> _T:
    """The result of a function in a process that has only imported what it needs.

    Threads, caches and the state of the allocator, which decides how often the system has to clear
    pages, are then the same whatever was measured before.

    Called in such a process, it must be called before anything is computed there with several
    threads, because those do not survive a fork.

    Args:
        function: at the top level of a module; it and its arguments are pickled.
        *args: of the function.
    """
    if multiprocessing.parent_process() is None:
        context: BaseContext = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["avalanche_seg.strategies"])
    else:  # Such a process itself, which has computed nothing yet: importing all again takes long.
        context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_as_usual, function, *args).result()


def _as_usual(function: Callable[..., _T], *args: Any) -> _T:
    # It would start the workers of its loaders as it was started, and each would import everything.
    multiprocessing.set_start_method(None, force=True)
    return function(*args)


def in_passes(
    function: Callable[..., _T], cases: Iterable[_Case], *args: Any, quick: bool, passes: int = 3
) -> dict[_Case, list[_T]]:
    """What a function returns for every case, each time in a fresh process; pass after pass.

    So each case is measured at several times and in several processes: what else the machine does,
    and where a process finds its memory, shifts all ratios of a while.

    Args:
        function: as for :func:`in_fresh_process`.
        cases: its first argument.
        *args: those between.
        quick: its last; a single pass then.
        passes: how many otherwise.

    Returns:
        the results by case, in the order of the cases.
    """
    cases = list(cases)
    rows = [
        {case: in_fresh_process(function, case, *args, quick) for case in cases}
        for _ in range(1 if quick else passes)
    ]
    return {case: [row[case] for row in rows] for case in cases}


def seconds(work: Work, clock: Clock = time.perf_counter) -> float:
    """Seconds of one call; work queued on a GPU is waited for."""
    _wait_for_device()
    start = clock()
    work()
    _wait_for_device()
    return clock() - start


def _wait_for_device() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


@contextmanager
def single_thread() -> Iterator[None]:
    """Torch on one thread, and back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
