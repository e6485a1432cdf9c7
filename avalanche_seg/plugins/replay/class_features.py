"""The features by which herding chooses its images."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avalanche_seg.benchmarks import ExperienceData
from avalanche_seg.models import as_output, evaluating
from avalanche_seg.normalization import normalization_of

__all__ = ["class_features", "head_map"]


@torch.no_grad()
def class_features(
    agent: Any, data: ExperienceData, channel: int, candidates: list[int]
) -> NDArray[np.float64]:
    """Mean of the model's features over the class's pixels, one row per candidate."""
    part = replace(data, indices=np.array(candidates), group="eval", constants={})
    model, device = agent.model, agent.device
    rows = []
    with evaluating(model):
        for image, labels, *_ in part.build():
            features = _features(model, image.to(device))
            weight = (labels.to(device) == channel).to(features.dtype)[None, None]
            weight = nn.functional.interpolate(weight, size=features.shape[-2:], mode="area")
            if weight.sum() == 0:  # The evaluation's crop cut the class off.
                weight = torch.ones_like(weight)
            rows.append(((features * weight).sum((2, 3)) / weight.sum()).squeeze(0))
    return torch.stack(rows).double().cpu().numpy()


def _features(model: nn.Module, image: Tensor) -> Tensor:
    return head_map(model(normalization_of(model).normalize(image[None])))


def head_map(output: object) -> Tensor:
    """The feature map under the classifiers, in a model's output; ValueError when it has none."""
    features = as_output(output).features
    if "head" not in features:
        raise ValueError(
            "the model returns no feature map 'head'; selection='herding' needs a "
            "SegmentationOutput with it in features"
        )
    return features["head"]
