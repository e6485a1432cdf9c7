"""The loss of an evaluation batch, and the prediction where it comes with it."""

import torch
from torch import Tensor, nn

from avalanche_seg.labels import void_label
from avalanche_seg.losses import Criterion, CrossEntropy, DenseOutput
from avalanche_seg.models import score_function

__all__ = ["evaluation_loss"]


def evaluation_loss(
    model: nn.Module, output: DenseOutput, target: Tensor, criterion: Criterion
) -> tuple[Tensor, Tensor | None]:
    """A criterion on the main output; labels of classes that the model does not know are void.

    Args:
        model: that gave the output; one whose channels are not its classes is judged by its scores.
        output: of a batch.
        target: int64, B x H x W.
        criterion: of step 0, as label maps of evaluations show old classes too.

    Returns:
        the loss, a scalar, and the predicted labels, int64, B x H x W, where both need one resize
        of the logits; else None.
    """
    logits, scores = output.logits, score_function(model)
    if scores is not None:
        logits = scores(logits)
    known = torch.where(target < logits.shape[1], target, void_label(logits.shape[1]))
    # A subclass may have another forward().
    if scores is None and type(criterion) is CrossEntropy:
        return criterion.with_labels(logits, known)
    return criterion(logits, known), None
