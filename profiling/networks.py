"""A method's networks alone, in a training iteration."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from avalanche_seg.models import SegmentationModel, fold_batch_norms

__all__ = ["Iteration", "networks_alone", "previous_model"]

Iteration = Callable[[Tensor, Tensor], None]
"""An iteration on images and labels."""


def previous_model(model: SegmentationModel) -> SegmentationModel:
    """A stand-in for the previous model: of the same cost but for the new classes' head."""
    previous = copy.deepcopy(model).eval().requires_grad_(False)
    for head in previous.heads:
        del head.classifiers[-1], head.groups[-1]
    return previous


def networks_alone(*, whole_teacher: bool) -> Callable[[SegmentationModel], Iteration]:
    """The student's passes from given gradients, and what of the previous model has to run.

    Args:
        whole_teacher: that is all of it; else only its heads that have learned since, on the
            student's features, as where the body is frozen.

    Returns:
        a function of a model as it is in training: with its frozen parameters, its taps and its
        modules' modes.
    """

    def make(model: SegmentationModel) -> Iteration:
        previous = previous_model(model)
        pairs = zip(previous.head.classifiers, previous.head.groups, strict=True)
        learned = [classifier for classifier, group in pairs if group.kind != "classes"]
        model.taps = model.taps | {"head"}
        teachers: list[nn.Module] = []

        def iterate(images: Tensor, labels: Tensor) -> None:
            if not teachers:  # As a strategy's, with its norms folded.
                teachers.append(fold_batch_norms(previous, images[:1]))
            output = model(images)
            with torch.no_grad():
                if whole_teacher:
                    teachers[0](images)
                for classifier in () if whole_teacher else learned:
                    classifier(output.features["head"])
            levels = [output.logits, *output.aux]
            model.zero_grad()
            torch.autograd.backward(levels, [torch.ones_like(level) for level in levels])

        return iterate

    return make
