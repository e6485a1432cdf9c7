"""A network of torchvision under our heads over the same network called directly."""

from functools import partial, reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.segmentation import deeplabv3_resnet50

from avalanche_seg.models import as_incremental
from avalanche_seg.system import keep_freed_memory
from profiling.measuring import Comparison, compare, in_passes
from profiling.report import Section, Target, main

__all__ = ["measure"]

_CASES = ("training", "evaluation")
_BATCH, _CHANNELS = 2, 21


def measure(*, quick: bool = False) -> list[Section]:
    """What the adaptation adds to DeepLabV3-R50 at 256, batches of two."""
    compared = in_passes(_compare, _CASES, quick=quick)
    rows, targets = [], []
    for case in _CASES:
        times = reduce(add, compared[case])
        overhead, low, high = (100 * (1 / x - 1) for x in (times.ratio, times.high, times.low))
        text = f"{overhead:+.1f} % ({low:+.1f} to {high:+.1f})"
        rows.append([case, f"{times.theirs_median:.3f}", f"{times.ours_median:.3f}", text])
        what = f"adapted DeepLabV3-R50 over the network itself, {case}"
        targets.append(Target(what, 2, overhead, at_least=False, unit=" %", text=text))
    return [
        Section(
            "An adapted network",
            f"torchvision's DeepLabV3-R50, crop 256, batch {_BATCH}, float32, {_CHANNELS} classes, "
            "called directly and under the heads of as_incremental with the same weights. Training "
            "is forward and backward, evaluation forward alone.",
            ["what", "network itself, s", "adapted, s", "adapted over itself"],
            rows,
            notes=[
                "The network itself resizes its logits to the image; the adapted one leaves that "
                "to losses and metrics, which do it a part at a time."
            ],
            targets=targets,
        )
    ]


def _compare(case: str, quick: bool) -> Comparison:
    """Seconds a batch."""
    keep_freed_memory()
    rounds, side = (1, 64) if quick else (4, 256)
    torch.manual_seed(0)
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=_CHANNELS)
    model = as_incremental(network, keep_classifier=True)
    images = torch.randn(_BATCH, 3, side, side).contiguous(memory_format=torch.channels_last)
    sides = [part.to(memory_format=torch.channels_last) for part in (model, network)]
    run = _train if case == "training" else _evaluate
    return compare(*(partial(run, part, images) for part in sides), rounds=rounds)


def _logits(part: nn.Module, images: Tensor) -> Tensor:
    output: Any = part(images)
    logits: Tensor = output["out"] if isinstance(output, dict) else output.logits
    return logits


def _train(part: nn.Module, images: Tensor) -> None:
    part.train().zero_grad()
    _logits(part, images).square().mean().backward()


@torch.no_grad()
def _evaluate(part: nn.Module, images: Tensor) -> None:
    _logits(part.eval(), images)


if __name__ == "__main__":
    main(measure)
