"""A later step's iterations of SSUL and DKD, BiSeNet-R18, from the batch to the updated weights.

The plain ones resize all logits to the label map and take the losses of those; plain SSUL runs the
previous model beside the student. Beside each iteration of ours is one of the other, on the same
batch; they take turns in going first, because the first one meets cold caches. Times are of the
processor, so that other work on the machine matters less.
"""

import copy
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.labels import VOID
from avalanche_seg.models import BiSeNet, SegmentationModel
from avalanche_seg.plugins import SegmentationPlugin
from avalanche_seg.strategies import DKD, SSUL, MiB
from avalanche_seg.system import keep_freed_memory
from avalanche_seg.training import sgd
from profiling.data import synthetic_benchmark
from profiling.measuring import Comparison, in_fresh_process
from profiling.networks import Iteration, networks_alone, previous_model
from profiling.report import Section, Target, main

__all__ = ["measure"]

_OLD, _BATCH = 16, 4


class Beside(SegmentationPlugin):
    """Times the strategy's iterations, and another's on the same batches; the first is dropped."""

    def __init__(self, other: Callable[[SegmentationModel], Iteration], n_iterations: int) -> None:
        super().__init__()
        self.make, self.left = other, n_iterations + 1
        self.other: Iteration | None = None
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def before_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Run the other if it is first, and start the clock; it begins with the weights of ours."""
        if self.other is None:
            self.other = self.make(copy.deepcopy(strategy.model))
        self.batch = strategy.mbatch[0], strategy.mbatch[1].clone()
        if self.left % 2 == 0:
            self.run_other()
        self.start = time.process_time()

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Note ours, and run the other if it is second."""
        self.ours.append(time.process_time() - self.start)
        if self.left % 2 == 1:
            self.run_other()
        self.left -= 1
        if self.left == 0:
            strategy.stop_training()

    def run_other(self) -> None:
        """An iteration of the other."""
        assert self.other is not None
        start = time.process_time()
        self.other(*self.batch)
        self.theirs.append(time.process_time() - start)

    def comparison(self) -> Comparison:
        """All but the first pair."""
        return Comparison(self.ours[1:] or self.ours, self.theirs[1:] or self.theirs)


def _full(logits: Tensor, labels: Tensor) -> Tensor:
    return F.interpolate(logits, labels.shape[-2:], mode="bilinear", align_corners=False)


def _optimizer(model: SegmentationModel) -> torch.optim.Optimizer:
    learning = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.SGD(learning, lr=1e-4, momentum=0.9, nesterov=True, weight_decay=1e-4)


def plain_ssul(model: SegmentationModel) -> Iteration:
    """Two forward passes, losses of all logits at full size."""
    previous, optimizer = previous_model(model), _optimizer(model)
    model.train().aux_heads.eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()

    def iterate(images: Tensor, labels: Tensor) -> None:
        channels = torch.where(labels == 0, 0, torch.where(labels == VOID, VOID, labels + 1))
        with torch.no_grad():
            scores, best = _full(previous(images).logits, labels).sigmoid().max(dim=1)
        channels = torch.where((channels <= 1) & (best > 1) & (scores >= 0.7), best, channels)
        logits, valid = _full(model(images).logits, labels), channels != VOID
        one_hot = F.one_hot(torch.where(valid, channels, 0), logits.shape[1]).movedim(3, 1).float()
        loss = F.binary_cross_entropy_with_logits(logits, one_hot, reduction="none").sum(dim=1)
        _step(optimizer, loss[valid].mean())

    return iterate


def plain_dkd(model: SegmentationModel) -> Iteration:
    """Every term of all logits at full size."""
    previous, optimizer = previous_model(model), _optimizer(model)
    model.train().network.eval()

    def iterate(images: Tensor, labels: Tensor) -> None:
        with torch.no_grad():
            old = previous(images)
        output, loss = model(images), images.new_zeros(())
        for level in (output.logits, *output.aux):
            logits = _full(level, labels)
            for channel in range(_OLD, logits.shape[1]):
                own = (labels == channel).float()
                loss = loss + F.binary_cross_entropy_with_logits(logits[:, channel], own)
            loss = loss - (1 - logits[:, 0].sigmoid() + 1e-8).log().mean()
        pairs = [(_full(output.logits, labels), _full(old.logits, labels))]
        pairs += [(output.features[tap], old.features[tap]) for tap in ("head+", "head-")]
        for ours, theirs in pairs:
            ours, theirs = ours[:, 1:_OLD], theirs[:, 1:].sigmoid()
            pixels = F.binary_cross_entropy_with_logits(ours, theirs, reduction="none")
            loss = loss + 5 * pixels.sum(dim=1).mean()
        _step(optimizer, loss)

    return iterate


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _iterations(kind: Any, other: Any, quick: bool) -> Comparison:
    """Iterations of a later step of a method, beside another's."""
    keep_freed_memory()
    size, crop, n_iterations = ((48, 64), 64, 1) if quick else ((375, 500), 256, 8)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        benchmark = synthetic_benchmark(
            folder, size=size, n_train=40, train_transform=train_preset(crop)
        )
        model = BiSeNet("resnet18", **kind.model_options)
        model.grow(_OLD)
        beside = Beside(other, n_iterations)
        strategy = kind(
            model=model, optimizer=sgd(1e-4), train_mb_size=_BATCH, train_epochs=20,
            plugins=[beside], evaluator=None,
        )  # fmt: skip
        strategy.train(benchmark.train_stream[1], eval_streams=[])
    return beside.comparison()


def measure(*, quick: bool = False) -> list[Section]:
    """SSUL and DKD beside plain ones, their networks alone and MiB."""
    rows, targets, medians = [], [], {}
    for name in ("SSUL", "DKD"):
        beside_plain = in_fresh_process(_of_case, name, "plain", quick)
        beside_alone = in_fresh_process(_of_case, name, "alone", quick)
        medians[name] = beside_alone.ours_median
        over = 100 * (1 / beside_alone.ratio - 1)
        rows.append(
            [
                name,
                f"{beside_plain.theirs_median:.2f}",
                f"{beside_plain.ours_median:.2f}",
                beside_plain.text(),
                f"{beside_alone.theirs_median:.2f}",
                f"{over:+.1f} %",
            ]
        )
        what = f"{name}, an iteration of a later step over its networks alone"
        targets.append(Target(what, 10, over, at_least=False, unit=" %", text=rows[-1][-1]))
    mib = in_fresh_process(_of_case, "MiB", "alone", quick)
    targets.append(Target("SSUL's iterations beside MiB's", 2, mib.ours_median / medians["SSUL"]))
    return [
        Section(
            "SSUL and DKD",
            "An iteration of a later step, BiSeNet-R18, crop 256, batch 4, from the batch on the "
            "device to the updated weights; seconds of processor time over all threads.",
            ["method", "plain, s", "ours, s", "plain / ours", "networks alone, s", "over alone"],
            rows,
            notes=[
                f"MiB's iteration takes {mib.ours_median:.2f} s.",
                "Networks alone: SSUL's one forward pass, that of the previous model's two heads "
                "that learn, and the backward pass of the student's heads; DKD's student forward "
                "and backward and its previous model's forward pass.",
            ],
            targets=targets,
        )
    ]


def _of_case(name: str, other: str, quick: bool) -> Comparison:
    kind = {"SSUL": SSUL, "DKD": DKD, "MiB": MiB}[name]
    plain = {"SSUL": plain_ssul, "DKD": plain_dkd}.get(name)
    alone = networks_alone(whole_teacher=name != "SSUL")
    return _iterations(kind, plain if other == "plain" else alone, quick)


if __name__ == "__main__":
    main(measure)
