"""Segmentation models with incremental heads."""

from avalanche_seg.models.backbones import BACKBONES
from avalanche_seg.models.balanced_init import balanced_classifier_init, balanced_init
from avalanche_seg.models.bisenet import BiSeNet
from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.models.segmentation_model import (
    DenseFeatures,
    SegmentationModel,
    SegmentationOutput,
    as_output,
)
from avalanche_seg.models.storage import load_model, save_model

__all__ = [
    "BACKBONES",
    "BiSeNet",
    "DenseFeatures",
    "IncrementalHead",
    "SegmentationModel",
    "SegmentationOutput",
    "as_output",
    "balanced_classifier_init",
    "balanced_init",
    "load_model",
    "save_model",
]
