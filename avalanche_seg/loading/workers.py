"""Worker processes that outlive the data set they load.

A ``DataLoader`` starts its workers anew for every data set, so for every training and evaluation
experience. A pool keeps one ``DataLoader`` alive whose data set is a stand-in: every batch it asks
for says which data set is meant, and a worker reads that one, pickled, from a file when it first
hears of it. Order, seeds and batches are those of a ``DataLoader`` of one's own.
"""

import copyreg
import io
import pickle
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

__all__ = ["PooledLoader", "WorkerPool", "make_loader"]

_MOST_BYTES = 2**26  # Of a pickled data set. Larger ones hold their pixels, which a fork shares.


def make_loader(
    dataset: Dataset[Any], batches: Any, *, pool: "WorkerPool | None" = None, **options: Any
) -> Any:
    """A loader of the given batches.

    Args:
        dataset: the samples.
        batches: yields lists of indices.
        pool: lends the workers; None: the loader starts its own.
        **options: of ``DataLoader``.

    Returns:
        A ``DataLoader`` without a pool, without workers, or when ``persistent_workers`` is off;
        else a :class:`PooledLoader`.
    """
    own = DataLoader(dataset, batch_sampler=batches, **options)
    if pool is None or own.num_workers == 0 or not own.persistent_workers:
        return own
    return PooledLoader(pool, own, options)


class WorkerPool:
    """Worker processes for one loader after the other.

    They start with the first batch asked for and live until :meth:`close`, until the pool is
    garbage, or until the program ends. They see the program as it was when they started. Other
    loader options, an error in a worker and a data set that uses what the main script has defined
    since (as a notebook does) start them anew.
    """

    def __init__(self) -> None:
        self._options: dict[str, Any] = {}
        self._main: dict[str, Any] = {}
        self._workers: DataLoader[Any] | None = None
        self._requests = _Requests()
        # Weak, as the loader knows its pool: without a cycle workers end with the last reference.
        self._served: weakref.ref[PooledLoader] | None = None
        self._busy = False
        self._folder: Path | None = None

    def batches_of(self, loader: "PooledLoader") -> Iterator[Any]:
        """One pass over a loader. Where the pool cannot serve it, by workers of its own."""
        if self._busy or not self._hand_over(loader):
            yield from loader.own
            return
        assert self._workers is not None
        self._busy = True
        try:
            yield from self._workers
        except GeneratorExit:  # The pass was left early.
            raise
        except BaseException:  # A worker may be dead, or waiting for one that is.
            self.close()
            raise
        finally:
            self._busy = False

    def close(self) -> None:
        """Stop the workers; the next pass starts new ones."""
        self._workers = self._served = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __reduce__(self) -> tuple[type["WorkerPool"], tuple[()]]:
        return WorkerPool, ()  # A copy has workers of its own.

    def _hand_over(self, loader: "PooledLoader") -> bool:
        """Make the loader's data set the one that is loaded from; False when it cannot be sent."""
        if self._served is None or self._served() is not loader:
            content = _pickled(loader.own.dataset)
            if content is None:
                return False
            outdated = b"__main__" in content and _main_definitions() != self._main
            if loader.options != self._options or outdated:
                self.close()
            self._publish(content)
            self._served = weakref.ref(loader)
        self._requests.batches = loader.own.batch_sampler or ()
        if self._workers is None:
            self._options, self._main = dict(loader.options), _main_definitions()
            own = {**self._options, "generator": torch.Generator()}
            requests: Any = self._requests  # Each stands for a list.
            self._workers = DataLoader(_StandIn(), batch_sampler=requests, **own)
        return True

    def _publish(self, content: bytes) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="avalanche_seg_"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        before = self._requests
        path = self._folder / f"{before.number + 1}.pickle"
        path.write_bytes(content)
        # A batch asked for and left may still want the old file; what it gets is thrown away.
        (self._folder / f"{before.number}.pickle").unlink(missing_ok=True)
        before.number, before.path = before.number + 1, str(path)


class PooledLoader:
    """A loader whose passes a pool's workers load. Attributes are those of its ``DataLoader``.

    Args:
        pool: lends the workers.
        own: what it would be without the pool.
        options: that ``own`` was made with.
    """

    def __init__(self, pool: WorkerPool, own: DataLoader[Any], options: dict[str, Any]) -> None:
        self.pool = pool
        self.own = own
        # The generator seeds the workers, once for all of them.
        self.options = {name: value for name, value in options.items() if name != "generator"}

    def __len__(self) -> int:
        return len(self.own)

    def __iter__(self) -> Iterator[Any]:
        return self.pool.batches_of(self)

    def __getattr__(self, name: str) -> Any:
        if name == "own":  # Not set yet: while being copied.
            raise AttributeError(name)
        return getattr(self.own, name)


@dataclass(frozen=True)
class _Request:
    """A batch as it is asked for: of which data set, where that lies, and the indices."""

    number: int
    path: str
    indices: list[Any]


class _Requests(Sampler[_Request]):
    """The batches of the data set that is current."""

    def __init__(self) -> None:
        self.number = 0
        self.path = ""
        self.batches: Iterable[list[Any]] = []

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[_Request]:
        number, path = self.number, self.path
        for indices in self.batches:
            yield _Request(number, path, indices)


class _StandIn(Dataset[Any]):
    """In a worker: whichever data set a request is about."""

    def __init__(self) -> None:
        self.number = 0
        self.dataset: Any = None

    def __getitems__(self, request: _Request) -> list[Any]:
        if request.number != self.number:
            self.dataset = None  # Before the next one takes its memory.
            self.dataset = pickle.loads(Path(request.path).read_bytes())
            self.number = request.number
        whole = getattr(self.dataset, "__getitems__", None)
        if callable(whole):
            return list(whole(request.indices))
        return [self.dataset[index] for index in request.indices]


def _main_definitions() -> dict[str, Any]:
    """Classes and functions of the main script: forked workers know those that it had then."""
    kinds = (type, FunctionType)
    return {name: v for name, v in vars(sys.modules["__main__"]).items() if isinstance(v, kinds)}


class _TooLargeError(Exception):
    pass


class _Bounded(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > _MOST_BYTES:
            raise _TooLargeError
        return super().write(data)


def _reduce_tensor(tensor: Tensor) -> Any:
    if tensor.untyped_storage().nbytes() > _MOST_BYTES:
        raise _TooLargeError  # Before it is copied.
    return tensor.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


def _pickled(dataset: Any) -> bytes | None:
    """A data set to send; None when it cannot be pickled, as with a lambda, or is too large."""
    content = _Bounded()
    pickler = pickle.Pickler(content, pickle.HIGHEST_PROTOCOL)
    table: dict[type, Any] = {**copyreg.dispatch_table, Tensor: _reduce_tensor}
    pickler.dispatch_table = table
    try:
        pickler.dump(dataset)
    except Exception:  # Whatever the data set's own code raises.
        return None
    return content.getvalue()
