"""From a model's raw channels to scores of classes."""

from collections.abc import Callable

from torch import Tensor, nn

from avalanche_seg.models.segmentation_model import SegmentationModel

__all__ = ["score_function"]


def score_function(model: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """What leads from a model's raw channels to scores of classes.

    Returns:
        the model's method ``scores``; None where every channel is a class, as in models that know
        nothing of this package.

    Example:
        >>> score_function(nn.Conv2d(3, 21, 1)) is None
        True
    """
    if not isinstance(model, SegmentationModel):
        return getattr(model, "scores", None)
    own = type(model).scores is not SegmentationModel.scores
    return model.scores if own or not model.channels_are_classes else None
