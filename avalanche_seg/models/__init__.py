"""Segmentation models with incremental heads."""

from avalanche_seg.models.adapting import AdaptedModel, as_incremental
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
from avalanche_seg.models.create import MODELS, create_model, known_models, model_factory, name_of
from avalanche_seg.models.deeplabv3 import DeepLabV3
from avalanche_seg.models.extra_init import extra_classifier_init
from avalanche_seg.models.folding import fold_batch_norms
from avalanche_seg.models.fusion import fuse_weights
from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.models.modes import evaluating
from avalanche_seg.models.output import DenseFeatures, SegmentationOutput, as_output
from avalanche_seg.models.score_function import score_function
from avalanche_seg.models.segmentation_model import SegmentationModel
from avalanche_seg.models.storage import load_model, save_model

__all__ = [
    "AdaptedModel",
    "BACKBONES",
    "BackgroundChannel",
    "BiSeNet",
    "CleanFeatures",
    "DeepLabV3",
    "DenseFeatures",
    "HEADS",
    "HeadFactory",
    "HeadGroup",
    "IncrementalHead",
    "MODELS",
    "SegmentationModel",
    "SegmentationOutput",
    "as_incremental",
    "as_output",
    "background_row",
    "balanced_classifier_init",
    "balanced_init",
    "clean_features",
    "create_model",
    "evaluating",
    "extra_classifier_init",
    "fold_batch_norms",
    "fuse_weights",
    "known_models",
    "load_model",
    "model_factory",
    "name_of",
    "save_model",
    "score_function",
]
