"""Distillation of feature maps."""

from torch import Tensor, nn

__all__ = ["FeatureDistillation", "feature_distillation"]


def feature_distillation(features: Tensor, teacher_features: Tensor) -> Tensor:
    """The feature distillation of ILT (Michieli and Zanuttigh, ICCV workshops 2019, eq. 3).

    The mean squared error between the feature maps of the two models.

    Args:
        features: the student's, floating point, B x D x h x w.
        teacher_features: the same shape; gets no gradient.

    Returns:
        scalar, dtype of the features.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> import torch
        >>> feature_distillation(torch.zeros(1, 2, 1, 1), torch.full((1, 2, 1, 1), 3.0)).item()
        9.0
    """
    if features.shape != teacher_features.shape:
        raise ValueError(
            f"got features {tuple(features.shape)} and teacher_features "
            f"{tuple(teacher_features.shape)}; expected the same shape"
        )
    return nn.functional.mse_loss(features, teacher_features.detach())


class FeatureDistillation(nn.Module):
    """ILT's distillation of feature maps (Michieli and Zanuttigh, ICCV workshops 2019, eq. 3).

    Module of :func:`feature_distillation`.

    Shape:
        - features: floating point, B x D x h x w.
        - teacher_features: the same.
        - output: scalar, dtype of the features.

    Raises:
        ValueError: by ``forward``, when the shapes differ.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 2, 1, 1), torch.full((1, 2, 1, 1), 3.0)
        >>> FeatureDistillation()(student, teacher).item()
        9.0
    """

    def forward(self, features: Tensor, teacher_features: Tensor) -> Tensor:
        """Compute the loss."""
        return feature_distillation(features, teacher_features)
