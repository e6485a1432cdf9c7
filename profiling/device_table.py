"""The table of a GPU, made for less than five minutes: ``python -m profiling --device cuda``.

The same code runs on a CPU (``--device cpu``), which is how it is tested.
"""

import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from avalanche_seg.benchmarks import incremental_benchmark, train_preset
from avalanche_seg.kernels import use_kernels
from avalanche_seg.loading import train_loader
from avalanche_seg.plugins import SegmentationPlugin
from avalanche_seg.training import sgd
from profiling import penalties
from profiling.device import Device, Watch
from profiling.losses import OBJECTIVES, forward_backward, problem
from profiling.original_step import Network
from profiling.photographs import write_photographs
from profiling.report import Section, Target
from profiling.training_step import FewBatches, alone, our_strategy

__all__ = ["measure_device"]

_NETWORK = Network("BiSeNet-R18", "bisenet", "resnet18", 512)
_BATCH, _WORKERS = 24, 8
_NAMES = {"off": "float32", "bf16": "bf16"}


def measure_device(name: str, quick: bool) -> list[Section]:
    """Objectives, penalties, and MiB's step in memory and from the disk, on one device.

    Args:
        name: of the device.
        quick: tiny sizes, to see that it runs.
    """
    device = Device(name)
    amp = "bf16" if device.is_cuda else "off"
    return [
        _objectives(device, quick),
        _penalties(device, quick),
        *_training(device, amp, quick),
    ]


def _objectives(device: Device, quick: bool) -> Section:
    batch, size, rounds = (2, 32, 1) if quick else (_BATCH, 512, 5)
    rows, targets = [], []
    ways = ("tiles", "triton") if device.is_cuda else ("tiles",)
    for name, (ours, theirs, wanted) in OBJECTIVES.items():
        given = tuple(tensor.to(device.name) for tensor in problem(batch, 21, size))
        plain = partial(forward_backward, theirs, *given)
        their_memory = device.extra_memory(plain)
        expected = plain()
        for kernels in ways:
            with use_kernels(kernels):  # type: ignore[arg-type]
                fast = partial(forward_backward, ours, *given)
                gap = (fast() - expected).abs().max() / expected.abs().max()
                memory = device.extra_memory(fast)
                times = device.compare(fast, plain, rounds=rounds)
            rows.append(
                [
                    *(name, kernels),
                    f"{1e3 * times.theirs_median:.2f}",
                    f"{1e3 * times.ours_median:.2f}",
                    times.text(),
                    f"{their_memory / 2**20:.0f}",
                    f"{memory / 2**20:.1f}",
                    f"{gap.item():.0e}",
                ]
            )
            if wanted is not None and name.endswith("(MiB)"):
                leaner = their_memory / max(memory, 1)
                targets += [
                    Target(f"{name}, {kernels}, time", 10, times.ratio, text=times.text()),
                    Target(f"{name}, {kernels}, extra peak memory", 12, leaner),
                ]
    return Section(
        "Objectives",
        f"Forward + backward, {batch} x 21 x {size} x {size} (16 old classes) from stride-8 "
        "logits, float32.",
        [
            *("objective", "kernels", "original, ms", "ours, ms", "ratio"),
            *("original, MiB", "ours, MiB", "difference"),
        ],
        rows,
        notes=["difference: of the two gradients, largest relative to the largest entry."],
        targets=targets,
    )


def _penalties(device: Device, quick: bool) -> Section:
    rows = []
    for name, (plugin, original) in penalties.METHODS.items():
        networks = [penalties.network(quick).to(device.name) for _ in range(2)]
        ours, theirs = penalties.Ours(plugin, networks[0]), original(networks[1])
        penalties.give_gradients(theirs.model)
        times = device.compare(ours.iteration, theirs.iteration, rounds=1 if quick else 20)
        rows.append(
            [
                name,
                f"{1e3 * times.theirs_median:.2f}",
                f"{1e3 * times.ours_median:.2f}",
                times.text(),
            ]
        )
    return Section(
        "Penalty methods",
        "Statistics + penalty + its gradient on the parameters of a ResNet-50, float32.",
        ["method", "original, ms", "ours, ms", "ratio"],
        rows,
    )


class _Watching(SegmentationPlugin):
    """Looks at the device from one iteration of the training to another."""

    def __init__(self, device: Device, first: int, n: int) -> None:
        super().__init__()
        self.device, self.first, self.n, self.done = device, first, n, 0
        self.watch = Watch()
        self._block: Any = None

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Begin when the loader's workers are at it, and end ``n`` iterations later."""
        self.done += 1
        if self.done == self.first:
            self._block = self.device.watch()
            self.watch = self._block.__enter__()
        elif self.done == self.first + self.n:
            self._block.__exit__(None, None, None)


class _InMemory(FewBatches):
    """Trains on batches that are there."""

    given: list[Any]

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """The given batches."""
        self.dataloader = self.given


def _training(device: Device, amp: Any, quick: bool) -> list[Section]:
    batch, crop, n_images, workers = (2, 64, 40, 0) if quick else (_BATCH, 512, 1600, _WORKERS)
    first, n = (1, 2) if quick else (8, 16)
    options: dict[str, Any] = {"device": device.name, "amp": amp, "train_mb_size": batch}
    watching = _Watching(device, first, n)
    with tempfile.TemporaryDirectory() as folder:
        benchmark = incremental_benchmark(
            write_photographs(Path(folder), n_images),
            task="15-5",
            setting="overlapped",
            train_transform=train_preset(crop),
            progress=False,
        )
        step = benchmark.train_stream[1]
        from_disk = our_strategy(
            _NETWORK, plugins=[watching], loader={"num_workers": workers}, **options
        )
        from_disk.n_batches = first + n
        from_disk.train(step, eval_streams=[])
        loader = train_loader(step.dataset, batch, {"num_workers": workers})
        fed = _images_per_second(loader, batch, n_batches=4 if quick else 24)
        in_memory = _InMemory(model=_NETWORK.make(), optimizer=sgd(), evaluator=None, **options)
        in_memory.given = [next(iter(loader))] * (2 if quick else 10)
        times = device.compare(
            partial(in_memory.train, step, eval_streams=[]),
            partial(alone, in_memory, crop, len(in_memory.given)),
            rounds=1 if quick else 5,
            warmup=1,
        )
        memory = device.extra_memory(partial(in_memory.train, step, eval_streams=[]))
    step_seconds = times.ours_median / len(in_memory.given)
    return [
        Section(
            "Training step in memory",
            f"MiB, {_NETWORK.title}, crop {crop}, batch {batch}, {_NAMES[amp]}; networks alone: "
            "student forward, backward and teacher forward.",
            ["step, ms", "networks alone, ms", "step over networks", "peak memory, MiB"],
            [
                [
                    f"{1e3 * step_seconds:.1f}",
                    f"{1e3 * times.theirs_median / len(in_memory.given):.1f}",
                    f"{100 * (1 / times.ratio - 1):+.1f} %",
                    f"{memory / 2**20:.0f}",
                ]
            ],
            targets=[
                Target(
                    f"MiB training step over its networks alone, {_NAMES[amp]}",
                    8,
                    100 * (1 / times.ratio - 1),
                    at_least=False,
                    unit=" %",
                )
            ],
        ),
        _from_disk(
            device, watching.watch, fed=fed, need=batch / step_seconds, sizes=(batch, n, workers)
        ),
    ]


def _from_disk(
    device: Device, watch: Watch, *, fed: float, need: float, sizes: tuple[int, int, int]
) -> Section:
    batch, n, workers = sizes
    busy = 100 * watch.busy / watch.wall
    return Section(
        "Training step from the disk",
        f"The same from JPEG and PNG files of 375 x 500 pixels with {workers} loading processes, "
        f"{n} iterations after the first ones.",
        ["step, ms", "images/s", "device busy", "loader alone, images/s", "needed, images/s"],
        [
            [
                f"{1e3 * watch.wall / n:.1f}",
                f"{batch * n / watch.wall:.0f}",
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


def _images_per_second(loader: Any, batch: int, n_batches: int) -> float:
    batches = iter(loader)
    next(batches)  # The workers have started.
    start = time.perf_counter()
    n_seen = sum(1 for _ in islice(batches, n_batches))
    return batch * n_seen / (time.perf_counter() - start)
