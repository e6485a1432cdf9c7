"""Tile-wise kernels: bilinear resize, pixel losses and argmax without full-size score maps."""

from avalanche_seg.kernels.annotated_terms import AnnotatedTerms
from avalanche_seg.kernels.argmax import labelled_tiles, predicted_labels
from avalanche_seg.kernels.channel_groups import EXP_SAFE_BOUND, exp_, score_bound
from avalanche_seg.kernels.choice import Kernels, check_kernels, use_kernels
from avalanche_seg.kernels.counting import count_values
from avalanche_seg.kernels.entropy import PredictionEntropy, prediction_entropy
from avalanche_seg.kernels.guided_terms import GuidedTerms
from avalanche_seg.kernels.pixel_loss import pixel_losses
from avalanche_seg.kernels.pixel_terms import PixelTerms
from avalanche_seg.kernels.pooled_norms import plain_pooled_norms, pooled_norms
from avalanche_seg.kernels.resize import compute_dtype, resize_logits
from avalanche_seg.kernels.resized_convolution import convolve_resized
from avalanche_seg.kernels.sigmoid_terms import LabelSigmoid, TeacherSigmoid
from avalanche_seg.kernels.softmax_terms import SoftmaxTerms
from avalanche_seg.kernels.workspace import Workspace

__all__ = [
    "AnnotatedTerms",
    "EXP_SAFE_BOUND",
    "GuidedTerms",
    "Kernels",
    "LabelSigmoid",
    "PixelTerms",
    "PredictionEntropy",
    "SoftmaxTerms",
    "TeacherSigmoid",
    "Workspace",
    "check_kernels",
    "compute_dtype",
    "count_values",
    "convolve_resized",
    "exp_",
    "labelled_tiles",
    "pixel_losses",
    "plain_pooled_norms",
    "pooled_norms",
    "predicted_labels",
    "prediction_entropy",
    "resize_logits",
    "score_bound",
    "use_kernels",
]
