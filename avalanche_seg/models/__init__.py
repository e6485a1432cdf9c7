"""Segmentation models with incremental heads."""

from avalanche_seg.models.backbones import BACKBONES
from avalanche_seg.models.balanced_init import (
    background_row,
    balanced_classifier_init,
    balanced_init,
)
from avalanche_seg.models.bisenet import BiSeNet
from avalanche_seg.models.channels import BackgroundChannel, HeadGroup
from avalanche_seg.models.classifiers import HEADS, HeadFactory
from avalanche_seg.models.clean_features import CleanFeatures, clean_features
from avalanche_seg.models.create import MODELS, create_model, name_of
from avalanche_seg.models.extra_init import extra_classifier_init
from avalanche_seg.models.fusion import fuse_weights
from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.models.modes import evaluating
from avalanche_seg.models.output import DenseFeatures, SegmentationOutput, as_output
from avalanche_seg.models.segmentation_model import SegmentationModel, score_function
from avalanche_seg.models.storage import load_model, save_model

__all__ = [
    "BACKBONES",
    "BackgroundChannel",
    "BiSeNet",
    "CleanFeatures",
    "DenseFeatures",
    "HEADS",
    "HeadFactory",
    "HeadGroup",
    "IncrementalHead",
    "MODELS",
    "SegmentationModel",
    "SegmentationOutput",
    "as_output",
    "background_row",
    "balanced_classifier_init",
    "balanced_init",
    "clean_features",
    "create_model",
    "evaluating",
    "extra_classifier_init",
    "fuse_weights",
    "load_model",
    "name_of",
    "save_model",
    "score_function",
]
