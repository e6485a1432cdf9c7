"""Evaluation at full resolution against the network and its argmax alone.

Images and masks are in memory. Ours is the strategy's whole evaluation: normalisation, network,
loss, predictions, confusion matrix, Avalanche. The original resizes all logits, takes the loss of
them, and counts every image's confusion matrix in numpy.
"""

import statistics
import tempfile
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from avalanche.evaluation.metrics import loss_metrics
from avalanche.training.plugins import EvaluationPlugin
from torch import Tensor, nn

from avalanche_seg.metrics import confusion_matrix, mean_iou_metrics
from avalanche_seg.models import BiSeNet
from avalanche_seg.normalization import normalize_images
from avalanche_seg.strategies import FineTuning
from avalanche_seg.system import keep_freed_memory
from avalanche_seg.training import sgd
from profiling.data import synthetic_benchmark
from profiling.measuring import Comparison, compare, in_passes
from profiling.report import Section, Target, main

__all__ = ["made_up_batches", "measure", "our_strategy"]

Batch = tuple[Tensor, Tensor]


class FromMemory(FineTuning):
    """Evaluates given batches, whatever the experience holds."""

    batches: list[Batch]

    def make_eval_dataloader(self, **kwargs: Any) -> None:
        """The given batches."""
        self.dataloader = self.batches


def alone(model: nn.Module, images: list[Tensor]) -> None:
    """Network and argmax."""
    with torch.no_grad():
        for image in images:
            _full_size(model, image).argmax(dim=1)


def original(model: BiSeNet, images: list[Tensor], batches: list[Batch], n_classes: int) -> None:
    """Full-size logits, loss, and the confusion matrix in numpy."""
    counts = np.zeros((n_classes, n_classes))
    losses = 0.0
    with torch.no_grad():
        for image, (_, labels) in zip(images, batches, strict=True):
            logits = _full_size(model, image)
            losses += F.cross_entropy(logits, labels.long(), ignore_index=255).item()
            prediction = logits.max(1)[1].cpu().numpy()
            truth = labels.numpy()
            for true_row, row in zip(truth, prediction, strict=True):
                counted = (true_row >= 0) & (true_row < n_classes)
                cells = n_classes * true_row[counted].astype(int) + row[counted]
                hits = np.bincount(cells, minlength=n_classes**2)
                counts += hits.reshape(n_classes, n_classes)


def _full_size(model: nn.Module, image: Tensor) -> Tensor:
    size = image.shape[-2:]
    return F.interpolate(model(image).logits, size, mode="bilinear", align_corners=False)


def measure(*, quick: bool = False) -> list[Section]:
    """Evaluation of BiSeNet-R18 at 375 x 500, an image a batch."""
    rows, targets = [], []
    results = in_passes(_compare, (21, 151), quick=quick)
    for n_classes, measured in results.items():
        timed_alone, timed_original, counted = zip(*measured, strict=True)
        versus_alone, versus_original = reduce(add, timed_alone), reduce(add, timed_original)
        counting = statistics.median(counted)
        overhead = 100 * (1 / versus_alone.ratio - 1)
        share = 100 * counting / versus_alone.ours_median
        rows.append(
            [
                str(n_classes),
                f"{1e3 * versus_alone.theirs_median:.1f}",
                f"{1e3 * versus_alone.ours_median:.1f}",
                f"{overhead:+.1f} % ({_percent(versus_alone.high)} to "
                f"{_percent(versus_alone.low)})",
                f"{1e3 * counting:.2f} ({share:.1f} %)",
                f"{1e3 * versus_original.theirs_median:.1f}",
                versus_original.text(),
            ]
        )
        targets.append(
            Target(
                f"evaluation over forward + argmax alone, {n_classes} channels",
                10,
                overhead,
                at_least=False,
                unit=" %",
                text=rows[-1][3],
            )
        )
    return [
        Section(
            "Evaluation",
            "BiSeNet-R18, 375 x 500, an image a batch, float32, channels_last; milliseconds an "
            "image. Alone: network, F.interpolate, argmax, images normalised before.",
            [
                "channels",
                "alone",
                "ours, whole",
                "ours over alone",
                "of it the confusion matrix",
                "original",
                "original / ours",
            ],
            rows,
            notes=[
                "Original: contiguous, full-size logits, loss of them, counts in numpy.",
                "Freed memory is kept, for all alike (see below): else who of them finds pages "
                "cleared is chance, worth a tenth and more.",
            ],
            targets=targets,
        )
    ]


def _percent(ratio: float) -> str:
    return f"{100 * (1 / ratio - 1):+.1f}"


def _compare(n_classes: int, quick: bool) -> tuple[Comparison, Comparison, float]:
    """Seconds an image: against the network alone, against the original, of counting alone."""
    height, width, n_images, rounds = (48, 64, 2, 1) if quick else (375, 500, 20, 5)
    keep_freed_memory()
    batches = made_up_batches(n_classes, height, width, n_images)
    plain_images = [normalize_images(image) for image, _ in batches]
    images = [_channels_last(image) for image in plain_images]
    plain_model = _model(n_classes)
    strategy = our_strategy(n_classes, batches)
    with tempfile.TemporaryDirectory() as folder:
        stream = synthetic_benchmark(folder, size=(48, 64)).test_stream
        ours = partial(strategy.eval, stream[1])
        versus_alone = compare(ours, partial(alone, strategy.model, images), rounds=rounds)
        versus_original = compare(
            ours,
            partial(original, plain_model, plain_images, batches, n_classes),
            rounds=min(rounds, 2),
        )
    counting = _counting(n_classes, batches[0][1], rounds)
    each = [_per_image(times, n_images) for times in (versus_alone, versus_original)]
    return each[0], each[1], counting


def _counting(n_classes: int, labels: Tensor, rounds: int) -> float:
    """Seconds to count a label map that is predicted already."""
    prediction = labels.long() % n_classes
    count = partial(confusion_matrix, prediction, labels.long(), n_classes)
    return compare(count, count, rounds=rounds).ours_median


def _per_image(times: Comparison, n_images: int) -> Comparison:
    return Comparison(
        [time / n_images for time in times.ours], [time / n_images for time in times.theirs]
    )


def our_strategy(n_classes: int, batches: list[Batch]) -> FromMemory:
    """Evaluates the batches, channels last as they would be loaded."""
    strategy = FromMemory(
        model=_model(n_classes).to(memory_format=torch.channels_last),
        optimizer=sgd(),
        evaluator=EvaluationPlugin(
            mean_iou_metrics(per_class=False), loss_metrics(experience=True), loggers=[]
        ),
    )
    strategy.batches = [(_channels_last(image), labels) for image, labels in batches]
    return strategy


def made_up_batches(n_classes: int, height: int, width: int, n_images: int) -> list[Batch]:
    """Batches of an image each; a tenth of the label map is void."""
    return [_made_up_batch(n_classes, height, width, seed) for seed in range(n_images)]


def _made_up_batch(n_classes: int, height: int, width: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (1, 3, height, width), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, n_classes, (1, height, width), generator=generator).byte()
    labels[:, : height // 10] = 255
    return image, labels


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def _model(n_classes: int) -> BiSeNet:
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    model.grow(n_classes)
    return model.eval()


if __name__ == "__main__":
    main(measure)
