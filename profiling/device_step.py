"""MiB's training step on one device: in memory over its networks alone, and from the disk."""

import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from avalanche_seg.benchmarks import incremental_benchmark, train_preset
from avalanche_seg.kernels import Kernels
from avalanche_seg.loading import train_loader
from avalanche_seg.plugins import SegmentationPlugin
from avalanche_seg.training import sgd
from profiling.device import Device, Stamp, Watch
from profiling.device_objectives import BATCH, kernels_of
from profiling.measuring import Comparison
from profiling.original_step import Network
from profiling.photographs import write_photographs
from profiling.report import Section, Target
from profiling.training_step import FewBatches, alone, our_strategy

__all__ = ["training_step"]

_NETWORK = Network("BiSeNet-R18", "bisenet", "resnet18", 512)
_NAMES = {"off": "float32", "bf16": "bf16"}


class _Sizes(NamedTuple):
    """What is trained, for how long: ``n`` iterations after the ``first`` ones are measured."""

    batch: int
    crop: int
    n_images: int
    workers: int
    first: int
    n: int
    rounds: int


def training_step(name: str, quick: bool) -> list[Section]:
    """MiB's step.

    Args:
        name: of the device.
        quick: tiny sizes, to see that it runs.
    """
    device = Device(name)
    amp = "bf16" if device.is_cuda else "off"
    sizes = _Sizes(2, 64, 40, 0, 1, 2, 1) if quick else _Sizes(BATCH, 512, 1600, 8, 8, 24, 3)
    options: dict[str, Any] = {"device": name, "amp": amp, "train_mb_size": sizes.batch}
    with tempfile.TemporaryDirectory() as folder:
        benchmark = incremental_benchmark(
            write_photographs(Path(folder), sizes.n_images),
            task="15-5",
            setting="overlapped",
            train_transform=train_preset(sizes.crop),
            progress=False,
        )
        step = benchmark.train_stream[1]
        watch = _watched(device, step, sizes, options)
        fed, batch = _fed(device, step, sizes)
    steps = [
        _InMemory(device, kernels, batch, step, sizes, options) for kernels in kernels_of(device)
    ]
    need = sizes.batch / min(one.times.ours_median for one in steps)
    what = f"MiB training step over its networks alone, {_NAMES[amp]}"
    return [
        Section(
            "Training step in memory",
            f"MiB, {_NETWORK.title}, crop {sizes.crop}, batch {sizes.batch}, {_NAMES[amp]}, from a "
            "batch on the device; networks alone: student forward, backward and teacher forward.",
            ["kernels", "step, ms", "networks alone, ms", "step over networks", "peak, MiB"],
            [one.row() for one in steps],
            targets=[
                Target(f"{what}, {one.kernels}", 8, one.over, at_least=False, unit=" %")
                for one in steps
            ],
        ),
        _from_disk(device, watch, sizes, fed=fed, need=need),
    ]


class _FromStart(SegmentationPlugin):
    """Does something after an iteration of each training, and something else ``n`` later."""

    def __init__(self, first: int, n: int) -> None:
        super().__init__()
        self.first, self.n, self.done = first, n, 0

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Count anew."""
        self.done = 0

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Begin and end."""
        self.done += 1
        if self.done == self.first:
            self.begin()
        elif self.done == self.first + self.n:
            self.end()

    def begin(self) -> None:
        """After iteration ``first``."""

    def end(self) -> None:
        """After iteration ``first + n``."""


class _Watching(_FromStart):
    """Looks at what the device does."""

    def __init__(self, device: Device, first: int, n: int) -> None:
        super().__init__(first, n)
        self._block = device.watch()
        self.watch = Watch()

    def begin(self) -> None:
        self.watch = self._block.__enter__()

    def end(self) -> None:
        self._block.__exit__(None, None, None)


class _Timing(_FromStart):
    """Times iterations; what a training does before and after them is not in it."""

    def __init__(self, device: Device, first: int, n: int) -> None:
        super().__init__(first, n)
        self._device = device
        self._stamps: list[Stamp] = []

    def begin(self) -> None:
        self._stamps = [self._device.stamp()]

    def end(self) -> None:
        self._stamps.append(self._device.stamp())

    @property
    def seconds(self) -> float:
        """Of an iteration."""
        return self._device.between(*self._stamps) / self.n


class _FromMemory(FewBatches):
    """Trains on batches that are there."""

    given: list[Any]

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """The given batches."""
        self.dataloader = self.given


class _InMemory:
    """MiB's step on a batch that is on the device, over its networks alone.

    Attributes:
        kernels: of its losses.
        times: seconds of a step, and of the networks.
        over: by how many per cent the step takes longer than the networks.
        memory: bytes that a training adds at its peak.
    """

    def __init__(
        self,
        device: Device,
        kernels: Kernels,
        batch: Any,
        step: Any,
        sizes: _Sizes,
        options: dict[str, Any],
    ) -> None:
        timing, n = _Timing(device, sizes.first, sizes.n), sizes.first + sizes.n
        strategy = _FromMemory(
            model=_NETWORK.make(),
            optimizer=sgd(),
            evaluator=None,
            plugins=[timing],
            kernels=kernels,
            **options,
        )
        strategy.given = [batch] * n
        ours, theirs = [], []
        for _ in range(1 + sizes.rounds):  # The first one warms up.
            strategy.train(step, eval_streams=[])
            ours.append(timing.seconds)
            theirs.append(device.seconds(partial(alone, strategy, sizes.crop, n)) / n)
        self.kernels = kernels
        self.times = Comparison(ours[1:], theirs[1:])
        self.over = 100 * (1 / self.times.ratio - 1)
        self.memory = device.extra_memory(partial(strategy.train, step, eval_streams=[]))

    def row(self) -> list[str]:
        """Of the table."""
        return [
            self.kernels,
            f"{1e3 * self.times.ours_median:.1f}",
            f"{1e3 * self.times.theirs_median:.1f}",
            f"{self.over:+.1f} %",
            f"{self.memory / 2**20:.0f}",
        ]


def _watched(device: Device, step: Any, sizes: _Sizes, options: dict[str, Any]) -> Watch:
    """What the device does while it trains from files."""
    watching, loader = _Watching(device, sizes.first, sizes.n), {"num_workers": sizes.workers}
    strategy = our_strategy(_NETWORK, plugins=[watching], loader=loader, **options)
    strategy.n_batches = sizes.first + sizes.n
    strategy.train(step, eval_streams=[])
    return watching.watch


def _fed(device: Device, step: Any, sizes: _Sizes) -> tuple[float, Any]:
    """Images per second that the loader gives, and a batch of them, on the device."""
    batches = iter(train_loader(step.dataset, sizes.batch, {"num_workers": sizes.workers}))
    batch = next(batches)  # The workers have started.
    start = time.perf_counter()
    n_seen = sum(1 for _ in islice(batches, sizes.n))
    seconds = time.perf_counter() - start
    there = [part.to(device.name) if isinstance(part, Tensor) else part for part in batch]
    return sizes.batch * n_seen / seconds, there


def _from_disk(device: Device, watch: Watch, sizes: _Sizes, *, fed: float, need: float) -> Section:
    busy = 100 * watch.busy / watch.wall
    return Section(
        "Training step from the disk",
        f"The same from JPEG and PNG files of 375 x 500 pixels with {sizes.workers} loading "
        f"processes, {sizes.n} iterations after the first ones.",
        ["step, ms", "images/s", "device busy", "loader alone, images/s", "needed, images/s"],
        [
            [
                f"{1e3 * watch.wall / sizes.n:.1f}",
                f"{sizes.batch * sizes.n / watch.wall:.0f}",
                f"{busy:.0f} %",
                f"{fed:.0f}",
                f"{need:.0f}",
            ]
        ],
        notes=[
            "Busy: the share of the time in which the device runs a kernel or a copy, by torch's "
            "profiler; on a CPU this process's share of one core, 100 % at most.",
            "Needed: what the step in memory takes.",
        ],
        targets=[Target(f"{device.title} busy, from the disk", 90, busy, unit=" %")],
    )
