"""What VOC 15-5s and ADE 100-10 cost, worked out from measured parts and stated assumptions."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.models import BiSeNet, SegmentationModel
from profiling.data import synthetic_benchmark
from profiling.measuring import in_fresh_process, seconds, single_thread
from profiling.report import Section, main
from profiling.training_step import our_strategy

__all__ = ["PEAK", "UTILISATION", "Task", "flops_of", "measure"]

_BATCH = 24
# Assumed, not measured: dense bf16 peak of an NVIDIA A100 (data sheet), and what of it small
# convolutions reach; eight GPUs share the work with this efficiency.
PEAK = 312e12
UTILISATION = (0.10, 0.30)
_SCALING = 0.9


@dataclass(frozen=True)
class Task:
    """A published task.

    Attributes:
        name: of data set and task.
        images: training images of every step, overlapped.
        epochs: of every step.
        n_test: images of the whole test set, an upper bound for every step's.
        exact: whether ``images`` are counts; else upper bounds.
    """

    name: str
    images: tuple[int, ...]
    epochs: int
    n_test: int
    exact: bool = True

    @property
    def iterations(self) -> tuple[int, ...]:
        """Of every step; short last batches are dropped.

        Example:
            >>> Task("small", (100, 24), 2, n_test=10).iterations
            (8, 2)
        """
        return tuple(n // _BATCH * self.epochs for n in self.images)


TASKS = (
    Task("VOC 15-5s", (9568, 487, 299, 491, 500, 548), 30, n_test=1449),
    Task("ADE 100-10", (20210,) * 6, 60, n_test=2000, exact=False),
)


@dataclass(frozen=True)
class Parts:
    """What was measured here.

    Attributes:
        student: FLOPs of a training image, forward and backward.
        forward: FLOPs of a forward pass of an image.
        sample: seconds a training sample on one core.
        step: seconds a training image of MiB's step in bf16, everything included, on this machine.
        evaluated: seconds a test image.
        stored: bytes of a sample as it travels, image and label map.
    """

    student: int
    forward: int
    sample: float
    step: float
    evaluated: float
    stored: int


def measure(*, quick: bool = False) -> list[Section]:
    """The cost of VOC 15-5s and ADE 100-10 on one GPU and on eight."""
    parts = in_fresh_process(_measure_parts, quick)
    return [_parts_section(parts, 64 if quick else 512), _work_section(), _time_section(parts)]


def _measure_parts(quick: bool) -> Parts:
    crop, size, n_images = (64, (48, 64), 4) if quick else (512, (375, 500), 32)
    with tempfile.TemporaryDirectory() as folder:
        benchmark = synthetic_benchmark(
            folder, size=size, n_train=40, train_transform=train_preset(crop)
        )
        step = benchmark.train_stream[1]
        with single_thread():
            read = partial(_read, step.dataset, n_images)
            sample = min(seconds(read) for _ in range(3)) / n_images
        strategy = our_strategy(amp="bf16")
        strategy.n_batches = 1 if quick else 3
        train = partial(strategy.train, step, eval_streams=[])
        train()
        images = strategy.n_batches * strategy.train_mb_size
        trained = min(seconds(train) for _ in range(1 if quick else 3)) / images
    model = BiSeNet("resnet18")
    model.grow(21)
    forward, student = flops_of(model, crop)
    model.to(memory_format=torch.channels_last)
    test_image = torch.zeros(1, 3, *size, dtype=torch.uint8)
    predict = partial(model.predict, test_image)
    predict()
    evaluated = min(seconds(predict) for _ in range(1 if quick else 5))
    return Parts(student, forward, sample, trained, evaluated, stored=4 * crop**2)


def _read(dataset: Sequence[object], n: int) -> None:
    for index in range(n):
        dataset[index % len(dataset)]


def flops_of(model: SegmentationModel, crop: int) -> tuple[int, int]:
    """FLOPs an image of a forward pass without gradient, and of forward and backward."""
    device = next(model.parameters()).device  # The meta device counts without computing.
    images = torch.zeros(2, 3, crop, crop, device=device)  # Batch norm needs two.
    with torch.no_grad(), FlopCounterMode(display=False) as forward:
        model.eval()(images)
    with FlopCounterMode(display=False) as both:
        output = model.train()(images)
        sum(level.sum() for level in (output.logits, *output.aux)).backward()
    return forward.get_total_flops() // 2, both.get_total_flops() // 2


def _parts_section(parts: Parts, crop: int) -> Section:
    rows = [
        ["FLOPs of an image, forward (21 channels)", f"{parts.forward / 1e9:.1f} G"],
        ["FLOPs of an image, forward and backward", f"{parts.student / 1e9:.1f} G"],
        ["training sample from the disk, one core", f"{1e3 * parts.sample:.2f} ms"],
        ["bytes of a sample, uint8 image and label map", f"{parts.stored / 2**20:.2f} MiB"],
        ["MiB's training step in bf16, an image", f"{1e3 * parts.step:.0f} ms"],
        ["prediction, 375 x 500, float32", f"{1e3 * parts.evaluated:.0f} ms"],
    ]
    return Section(
        "Cost: measured parts",
        f"BiSeNet-R18 at crop {crop}, on this machine; FLOPs by torch's counter, a multiply-add "
        "is two.",
        ["part", "measured"],
        rows,
    )


def _work_section() -> Section:
    rows = []
    for task in TASKS:
        bound = "" if task.exact else "<= "
        rows += [
            [task.name, str(step), f"{bound}{n:,}", f"{bound}{iterations:,}"]
            for step, (n, iterations) in enumerate(zip(task.images, task.iterations, strict=True))
        ]
        rows.append([task.name, "all", "", f"{bound}{sum(task.iterations):,}"])
    return Section(
        "Cost: the work",
        f"Batch {_BATCH} over all GPUs, short last batches dropped; 30 epochs per step on VOC, 60 "
        "on ADE20K.",
        ["task", "step", "images", "iterations"],
        rows,
        notes=[
            "VOC: known counts of the overlapped setting with the 10,582 augmented images.",
            "ADE20K: how many of its 20,210 images a step has depends on the classes' order; all "
            "of them is the upper bound, used below.",
        ],
    )


def _time_section(parts: Parts) -> Section:
    rows = []
    for task in TASKS:
        trained = [_BATCH * iterations for iterations in task.iterations]
        # The first step has no teacher.
        flops = sum(trained) * parts.student + sum(trained[1:]) * parts.forward
        flops += task.n_test * len(task.images) * parts.forward
        for gpus in (1, 8):
            speed = [PEAK * u * gpus * (1 if gpus == 1 else _SCALING) for u in UTILISATION]
            slow, fast = (flops / rate for rate in speed)
            images = sum(trained)
            rows.append(
                [
                    task.name,
                    str(gpus),
                    f"{flops / 1e15:.0f}",
                    f"{fast / 3600:.2f} to {slow / 3600:.2f}",
                    f"{images / slow:,.0f} to {images / fast:,.0f}",
                    f"{images / slow * parts.sample:.1f} to {images / fast * parts.sample:.1f}",
                    f"{images / fast * parts.stored / 1e6:,.0f}",
                    f"{(images * parts.step + _tested(task, parts)) / 3600:,.0f}",
                ]
            )
    low, high = (f"{100 * u:.0f}" for u in UTILISATION)
    return Section(
        "Cost: worked out",
        "Time follows from the FLOPs and an assumed share of an assumed peak; it is no "
        "measurement on a GPU. Cores are those that keep the GPUs fed at that speed.",
        [
            "task",
            "GPUs",
            "PFLOP",
            "hours",
            "images/s",
            "loader cores",
            "MB/s to the GPUs, at most",
            "hours on this machine",
        ],
        rows,
        notes=[
            "Measured: FLOPs per image, seconds per sample and core, bytes per sample, seconds per "
            "image "
            "on this machine (last column).",
            f"Assumed: {PEAK / 1e12:.0f} TFLOP/s a GPU (dense bf16 of an A100), {low} to {high} % "
            f"of it reached, {_SCALING:.0%} efficiency on eight; the whole test set after every "
            "step; ADE20K's images as large as VOC's on the disk, and as many channels.",
        ],
    )


def _tested(task: Task, parts: Parts) -> float:
    """Seconds of all evaluations on this machine."""
    return task.n_test * len(task.images) * parts.evaluated


if __name__ == "__main__":
    main(measure)
