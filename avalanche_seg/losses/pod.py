"""Local POD: distances between pooled squares of feature maps, of PLOP."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from avalanche_seg.kernels import pooled_norms
from avalanche_seg.losses.objective import StepBatch
from avalanche_seg.system import check_number, check_wholes

__all__ = ["ExtraChannels", "LocalPODTerm", "local_pod", "merge_new_channels"]

ExtraChannels = Literal["sum", "lse"]
"""How the logits of new classes join the background's; see :func:`merge_new_channels`."""


def local_pod(
    features: Tensor, teacher_features: Tensor, *, scales: Sequence[int] = (1, 2, 4)
) -> Tensor:
    """The distance of PLOP's local POD (Douillard et al., CVPR 2021, eq. 2 to 5).

    Phi(x): for every scale s, the map is divided into s x s windows of H // s rows and W // s
    columns, what remains at the end dropped; of each window the mean of every row and of every
    column. Channels and windows are concatenated: 14 C W numbers of a square map whose side four
    divides. As in the published code the maps are squared first:

    (1/B) sum_b || Phi(x_b^2) - Phi(x'_b^2) ||_2

    Its gradient is 0 for an image whose maps agree, where a norm has none. The published code takes
    square maps; windows of other maps are as wide and high as fits. A scale with more windows than
    the map has rows or columns is left out.

    Args:
        features: the student's, floating point, B x D x H x W; half precision is computed in
            float32, as squares overflow float16 from 256 on.
        teacher_features: the same shape; gets no gradient.
        scales: numbers of windows per side.

    Returns:
        scalar, float64 for float64 features, else float32.

    Raises:
        ValueError: when the shapes differ, or a scale is no whole number.

    Example:
        >>> student, teacher = torch.full((1, 1, 2, 2), 2.0), torch.ones(1, 1, 2, 2)
        >>> local_pod(student, teacher, scales=(1,)).item()  # two rows and two columns, each 3
        6.0
    """
    if features.shape != teacher_features.shape or features.ndim != 4:
        raise ValueError(
            f"got features {tuple(features.shape)} and teacher_features "
            f"{tuple(teacher_features.shape)}; expected the same shape, B x D x H x W"
        )
    windows = check_wholes("scales", scales, least=1)
    return pooled_norms(features, teacher_features, windows).mean()


def merge_new_channels(
    logits: Tensor, n_old: int, *, extra_channels: ExtraChannels = "sum"
) -> Tensor:
    """The student's logits as the teacher counts channels: new classes are background to it.

    Args:
        logits: floating point, B x C x h x w.
        n_old: K, the teacher's channels; 1..C.
        extra_channels: "sum": channel 0 is z_0 + the sum of the new raw logits, as published. With
            the balanced initialisation that is about N + 1 times the teacher's. "lse": log-sum-exp
            of z_0 and the new logits, which the balanced initialisation leaves as the teacher's, to
            rounding.

    Returns:
        B x K x h x w.

    Raises:
        ValueError: for an unknown ``extra_channels``.

    Example:
        >>> logits = torch.tensor([1.0, 5.0, 2.0, 3.0]).view(1, 4, 1, 1)
        >>> merge_new_channels(logits, 2).flatten().tolist()
        [6.0, 5.0]
    """
    _check_extra_channels(extra_channels)
    background = torch.cat([logits[:, :1], logits[:, n_old:]], dim=1)
    if extra_channels == "sum":
        merged = background.sum(dim=1, keepdim=True)
    else:
        merged = background.logsumexp(dim=1, keepdim=True)
    return torch.cat([merged, logits[:, 1:n_old]], dim=1)


def _check_extra_channels(extra_channels: str) -> None:
    known = get_args(ExtraChannels)
    if extra_channels not in known:
        raise ValueError(
            f"extra_channels={extra_channels!r} is unknown; expected one of {', '.join(known)}"
        )


@dataclass(frozen=True)
class LocalPODTerm:
    """PLOP's distillation of feature maps and logits (Douillard et al., CVPR 2021); an objective.

    With M maps, the logits among them, C channels of which N are new,

    (1/M) sum_m w_m sqrt(C / N) local_pod(x_m, x'_m)

    Where a step brings no class, the root is 1. Terms: "pod" (the feature maps), "pod_logits".

    Args:
        weight: w of every feature map; .01 on VOC, .001 on ADE20K.
        logits_weight: w of the low-resolution logits; 5e-4 on VOC, 1e-5 on ADE20K.
        taps: names of the feature maps; None for all that the model returns.
        extra_channels: how new logits are merged; see :func:`merge_new_channels`.
        scales: as in :func:`local_pod`.

    Raises:
        ValueError: for a negative weight, an unknown ``extra_channels``; when called, for a map
            that the model does not return.
    """

    weight: float = 0.01
    logits_weight: float = 5e-4
    taps: tuple[str, ...] | None = None
    extra_channels: ExtraChannels = "sum"
    scales: tuple[int, ...] = (1, 2, 4)

    needs_teacher: ClassVar[bool] = True
    channels_are_classes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight)
        check_number("logits_weight", self.logits_weight)
        _check_extra_channels(self.extra_channels)
        check_wholes("scales", self.scales, least=1)

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """Both terms; at step 0 only the check that later steps can have them.

        Raises:
            ValueError: when the model does not return a map.
        """
        ours = self._maps_of(batch.output.features)
        if batch.teacher is None:
            return {}
        theirs = self._maps_of(batch.teacher.features)
        logits, teacher_logits = batch.output.logits, batch.teacher.logits
        n_old, n_classes = teacher_logits.shape[1], logits.shape[1]
        factor = math.sqrt(n_classes / ((n_classes - n_old) or n_classes)) / (len(ours) + 1)
        merged = merge_new_channels(logits, n_old, extra_channels=self.extra_channels)
        distances = [local_pod(x, theirs[name], scales=self.scales) for name, x in ours.items()]
        of_logits = local_pod(merged, teacher_logits, scales=self.scales)
        return {
            "pod": self.weight * factor * torch.stack(distances).sum(),
            "pod_logits": self.logits_weight * factor * of_logits,
        }

    def _maps_of(self, features: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        wanted = tuple(features) if self.taps is None else self.taps
        missing = [name for name in wanted if name not in features]
        if missing or not wanted:
            raise ValueError(
                f"the model returns the feature maps {', '.join(features) or 'none'}; local POD "
                f"needs {', '.join(map(repr, missing)) or 'at least one'}: name those that it has "
                "by taps=, or use a model that returns a SegmentationOutput with features"
            )
        return {name: features[name] for name in wanted}
