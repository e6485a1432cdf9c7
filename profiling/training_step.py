"""A whole training step of MiB, from the disk to the updated weights; BiSeNet-R18.

The original reads samples with Pillow and re-maps labels pixel by pixel, runs both networks in
float32 and contiguous, resizes all logits to the label map, and takes the losses of those.
"""

import copy
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks import SegmentationExperience, train_preset
from avalanche_seg.labels import VOID
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins.distillation.teacher import shared_teacher
from avalanche_seg.strategies import MiB
from avalanche_seg.training import sgd
from profiling.data import synthetic_benchmark
from profiling.losses import original_mib
from profiling.measuring import Comparison, compare, in_fresh_process
from profiling.original_samples import OriginalSamples, step_channels
from profiling.report import Section, Target, main

__all__ = ["FewBatches", "alone", "measure", "our_strategy"]

_OLD, _NEW, _BATCH = 16, 5, 4


class FewBatches(MiB):
    """Trains on the first batches of every epoch; evaluates nothing."""

    n_batches = 2

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """The usual loader, cut short."""
        super().make_train_dataloader(**kwargs)
        self.dataloader = _Few(self.dataloader, self.n_batches)


class _Few:
    def __init__(self, loader: Any, n_batches: int) -> None:
        self.loader, self.n_batches = loader, n_batches

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self.loader), self.n_batches)


class Original:
    """The plain loop."""

    def __init__(self, step: SegmentationExperience, crop: int, n_batches: int) -> None:
        torch.manual_seed(0)
        self.model = BiSeNet("resnet18")
        self.model.grow(_OLD)
        self.teacher = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.model.grow(_NEW)
        samples, chosen = step.data.split, step.data.indices.tolist()
        images, masks = ([files[i] for i in chosen] for files in (samples.images, samples.masks))
        self.loader = DataLoader(
            OriginalSamples(images, masks, crop, step_channels(range(_OLD, _OLD + _NEW))),
            batch_size=_BATCH,
            shuffle=True,
            drop_last=True,
        )
        self.n_batches = n_batches
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4
        )

    def train(self) -> None:
        """A few steps."""
        self.model.train()
        for images, labels in islice(self.loader, self.n_batches):
            with torch.no_grad():
                teacher = self.teacher(images).logits
            self.optimizer.zero_grad()
            output = self.model(images)
            loss = original_mib(output.logits, labels, teacher)
            for level in output.aux:
                loss = loss + _original_unce(level, labels)
            loss.backward()
            self.optimizer.step()


def _original_unce(logits: Tensor, target: Tensor) -> Tensor:
    logits = F.interpolate(logits, target.shape[-2:], mode="bilinear", align_corners=False)
    log_all = torch.logsumexp(logits, dim=1)
    outputs = torch.zeros_like(logits)
    outputs[:, 0] = torch.logsumexp(logits[:, :_OLD], dim=1) - log_all
    outputs[:, _OLD:] = logits[:, _OLD:] - log_all.unsqueeze(1)
    labels = torch.where(target < _OLD, 0, target)
    return F.nll_loss(outputs, labels, ignore_index=VOID, reduction="none").mean()


def our_strategy(**options: Any) -> FewBatches:
    """MiB at its second step, the base classes known to the network."""
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    model.grow(_OLD)
    chosen = {"train_mb_size": _BATCH, "evaluator": None, **options}
    return FewBatches(model=model, optimizer=sgd(), **chosen)


def alone(strategy: FewBatches, crop: int, n_batches: int) -> None:
    """Student forward, backward from given gradients, teacher forward; nothing else."""
    images = torch.randn(_BATCH, 3, crop, crop).contiguous(memory_format=torch.channels_last)
    teacher = shared_teacher(strategy).model
    assert teacher is not None  # The strategy was trained before.
    model = strategy.model.train()
    for _ in range(n_batches):
        output = strategy.run_model(model, images)
        with torch.no_grad():
            strategy.run_model(teacher, images)
        levels = [output.logits, *output.aux]
        model.zero_grad()
        torch.autograd.backward(levels, [torch.ones_like(level) for level in levels])


def measure(*, quick: bool = False) -> list[Section]:
    """A training step of MiB with BiSeNet-R18 at 512, batches of 4, from the disk."""
    rows, targets = [], []
    for amp, wanted in (("off", 1.7), ("bf16", 3.5)):
        versus_original, versus_alone = in_fresh_process(_compare, amp, quick)
        over = 100 * (1 / versus_alone.ratio - 1)
        spread = " to ".join(
            f"{100 * (1 / ratio - 1):+.1f}" for ratio in (versus_alone.high, versus_alone.low)
        )
        name = {"off": "float32", "bf16": "bf16"}[amp]
        rows.append(
            [
                name,
                f"{versus_original.theirs_median:.2f}",
                f"{versus_original.ours_median:.2f}",
                f"{_BATCH / versus_original.ours_median:.2f}",
                versus_original.text(),
                f"{versus_alone.theirs_median:.2f}",
                f"{over:+.1f} % ({spread})",
            ]
        )
        targets.append(
            Target(
                f"MiB training step, {name}",
                wanted,
                versus_original.ratio,
                text=versus_original.text(),
            )
        )
        if amp == "off":
            targets.append(
                Target(
                    "MiB training step over both networks alone",
                    8,
                    over,
                    at_least=False,
                    unit=" %",
                    text=rows[-1][-1],
                )
            )
    return [
        Section(
            "Training step",
            "MiB, BiSeNet-R18, crop 512, batch 4, JPEG and PNG files of 375 x 500 pixels read in "
            "the process that trains. The original is in float32 in both rows.",
            [
                "ours in",
                "original, s",
                "ours, s",
                "ours, images/s",
                "original / ours",
                "networks alone, s",
                "ours over alone",
            ],
            rows,
            notes=[
                "Networks alone: student forward, backward from given gradients of its outputs, "
                "teacher forward, on one batch in memory, in our memory format and precision."
            ],
            targets=targets,
        )
    ]


def _compare(amp: str, quick: bool) -> tuple[Comparison, Comparison]:
    """Seconds a step: against the original, and against the networks alone."""
    size, crop, n_batches, rounds = ((48, 64), 64, 1, 1) if quick else ((375, 500), 512, 3, 5)
    with tempfile.TemporaryDirectory() as folder:
        benchmark = synthetic_benchmark(
            folder, size=size, n_train=40, train_transform=train_preset(crop)
        )
        strategy = our_strategy(amp=amp)
        strategy.n_batches = n_batches
        step = benchmark.train_stream[1]
        original = Original(step, crop, n_batches)
        ours = partial(strategy.train, step, eval_streams=[])
        versus_original = compare(ours, original.train, rounds=rounds)
        networks = partial(alone, strategy, crop, n_batches)
        # The nearer to one, the more pairs a ratio takes.
        versus_alone = compare(ours, networks, rounds=1 if quick else 9)
    return _a_step(versus_original, n_batches), _a_step(versus_alone, n_batches)


def _a_step(times: Comparison, n_batches: int) -> Comparison:
    return Comparison([t / n_batches for t in times.ours], [t / n_batches for t in times.theirs])


if __name__ == "__main__":
    main(measure)
