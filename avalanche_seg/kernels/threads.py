"""Work divided over threads once, instead of inside every operation.

An operation on a tile takes a few hundred microseconds. Divided over threads it waits for the
slowest of them at its end, and beside other busy processes one of them is always late. Here each
thread has tiles of its own and computes all operations on them alone; they meet once, at the end.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition
from typing import Generic, TypeVar

import torch

__all__ = ["in_threads"]

_Unit = TypeVar("_Unit")
_Result = TypeVar("_Result")
Finish = Callable[[], _Result]


def in_threads(
    units: Sequence[_Unit], worker: Callable[[], Callable[[_Unit], Finish[_Result]]]
) -> list[_Result]:
    """Compute units of work on a CPU, as many at a time as torch has threads.

    Every unit is computed by one thread, without gradients and autocast. What units have in common,
    such as a sum they add to, belongs in the second part, which takes place in their order and one
    at a time. So the result is the same for any number of threads.

    Args:
        units: in the order in which they are finished.
        worker: called once in every thread; gives what computes a unit and returns its second part.

    Returns:
        what the second parts return, in the order of the units.

    Raises:
        Exception: what a unit raised, the first one's; units after it may be left out.

    Example:
        >>> in_threads([3, 1, 2], lambda: lambda unit: lambda: 10 * unit)
        [30, 10, 20]
    """
    n_helpers = min(torch.get_num_threads(), len(units)) - 1
    queue: _Queue[_Unit, _Result] = _Queue(units)
    with _one_thread_each():
        helpers = [_pool(n_helpers).submit(queue.work, worker) for _ in range(n_helpers)]
        queue.work(worker)
        for helper in helpers:
            helper.result()
    if queue.error is not None:
        raise queue.error
    return queue.results


class _Queue(Generic[_Unit, _Result]):
    """Units that threads take one by one, and whose second parts they do in turn."""

    def __init__(self, units: Sequence[_Unit]) -> None:
        self._units = units
        self._next = 0
        self._changed = Condition()
        self.results: list[_Result] = []
        self.error: BaseException | None = None

    def work(self, worker: Callable[[], Callable[[_Unit], Finish[_Result]]]) -> None:
        """Compute units until there are none left, or one of them failed."""
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            try:
                compute = worker()
                while (number := self._take()) is not None:
                    finish = compute(self._units[number])
                    if not self._wait_for_turn(number):
                        return
                    self.results.append(finish())
                    with self._changed:
                        self._changed.notify_all()
            except BaseException as error:
                self._fail(error)

    def _take(self) -> int | None:
        with self._changed:
            number = self._next
            self._next += 1
            return None if self.error is not None or number >= len(self._units) else number

    def _wait_for_turn(self, number: int) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self.error is not None or len(self.results) == number)
            return self.error is None

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Operations of this thread on one thread, and back."""
    n_threads = torch.get_num_threads()
    if n_threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


_pools: dict[int, ThreadPoolExecutor] = {}


def _pool(n_threads: int) -> ThreadPoolExecutor:
    """Threads that stay, each of which computes its operations alone."""
    if n_threads not in _pools:
        _pools[n_threads] = ThreadPoolExecutor(
            n_threads, "avalanche_seg", initializer=torch.set_num_threads, initargs=(1,)
        )
    return _pools[n_threads]


# Threads do not live on in a forked process, such as a loader's.
os.register_at_fork(after_in_child=_pools.clear)
