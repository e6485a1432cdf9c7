"""Cost against the crop and against the number of steps; MiB, BiSeNet-R18."""

import io
import tempfile
import time
from typing import Any

import torch

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import SegmentationPlugin, TeacherPlugin
from avalanche_seg.training import sgd
from profiling.data import synthetic_benchmark
from profiling.measuring import compare, in_fresh_process
from profiling.report import Section, main
from profiling.training_step import FewBatches, our_strategy

__all__ = ["measure"]

_TASKS = {2: "15-5", 6: "15-5s", 11: "10-1"}


def measure(*, quick: bool = False) -> list[Section]:
    """Cost against crop and steps."""
    return [in_fresh_process(_crops, quick), in_fresh_process(_steps, quick)]


def _crops(quick: bool) -> Section:
    """Seconds a training step by crop."""
    crops = (64, 128) if quick else (256, 512, 1024)
    batch, rows, first = 2, [], 0.0
    for crop in crops:
        with tempfile.TemporaryDirectory() as folder:
            size = (48, 64) if quick else (375, 500)
            benchmark = synthetic_benchmark(folder, size=size, train_transform=train_preset(crop))
            strategy = our_strategy(train_mb_size=batch)
            strategy.n_batches = 1
            step = benchmark.train_stream[1]
            train = _Training(strategy, step)
            seconds = compare(train, train, rounds=1 if quick else 3).ours_median
        pixel = 1e9 * seconds / (batch * crop**2)
        first = first or pixel
        rows.append([str(crop), f"{seconds:.3f}", f"{pixel:.0f}", f"{pixel / first:.2f}x"])
    return Section(
        "Scale: crop",
        f"A training step of MiB, BiSeNet-R18, float32, {batch} images from the disk.",
        ["crop", "s a step", "ns a pixel", "a pixel, against the smallest crop"],
        rows,
    )


class _Training:
    def __init__(self, strategy: FewBatches, step: Any) -> None:
        self.strategy, self.step = strategy, step

    def __call__(self) -> None:
        self.strategy.train(self.step, eval_streams=[])


class _Clock(SegmentationPlugin):
    """Notes how long a step's set-up and its iterations take."""

    def __init__(self) -> None:
        super().__init__()
        self.iterations: list[float] = []
        self.first_batch = 0.0
        self._start = 0.0

    def before_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """The batch is there."""
        self._start = time.perf_counter()
        self.first_batch = self.first_batch or self._start

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """The weights are updated."""
        self.iterations.append(time.perf_counter() - self._start)


def _steps(quick: bool) -> Section:
    """An iteration of the last step, a change of steps, and the state, by number of steps."""
    crop, size = (64, (48, 64)) if quick else (256, (375, 500))
    rows = []
    for n_steps, task in list(_TASKS.items())[: 1 if quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            benchmark = synthetic_benchmark(
                folder, size=size, n_train=80, task=task, train_transform=train_preset(crop)
            )
            torch.manual_seed(0)
            strategy = FewBatches(
                model=BiSeNet("resnet18"), optimizer=sgd(), train_mb_size=2, evaluator=None
            )
            strategy.n_batches = 1 if quick else 4
            changes = []
            for step in benchmark.train_stream:
                clock = _Clock()
                strategy.plugins.append(clock)
                start = time.perf_counter()
                strategy.train(step, eval_streams=[])
                strategy.plugins.remove(clock)
                changes.append(clock.first_batch - start)
        rows.append(
            [
                str(n_steps),
                task,
                f"{1e3 * sorted(clock.iterations)[len(clock.iterations) // 2]:.0f}",
                f"{1e3 * sorted(changes)[len(changes) // 2]:.0f}",
                f"{_state_bytes(strategy) / 2**20:.1f}",
                f"{sum(p.numel() for p in strategy.model.parameters()) / 1e6:.3f}",
            ]
        )
    return Section(
        "Scale: steps",
        f"MiB, BiSeNet-R18, crop {crop}, batch 2, every step of the task for a few iterations.",
        ["steps", "task", "iteration, ms", "step change, ms", "state, MiB", "parameters, M"],
        rows,
        notes=[
            "Iteration: median of the last step. Step change: from the call to the first batch: "
            "data set, teacher, head, optimizer, loader; median over steps.",
            "State: network, teacher and optimizer, as a checkpoint holds them.",
        ],
    )


def _state_bytes(strategy: FewBatches) -> int:
    teachers = [p.state_dict() for p in strategy.plugins if isinstance(p, TeacherPlugin)]
    buffer = io.BytesIO()
    torch.save([strategy.model.state_dict(), strategy.optimizer.state_dict(), teachers], buffer)
    return buffer.tell()


if __name__ == "__main__":
    main(measure)
