import pytest
import torch

from avalanche_seg.losses import StepBatch
from avalanche_seg.models import SegmentationOutput
from avalanche_seg.plugins import UnknownLabelPlugin

TARGET = torch.tensor([[[0, 0, 3, 255]], [[0, 1, 2, 255]]])


def batch_of(teacher=None, **extras):
    return StepBatch(torch.empty(0), TARGET, None, n_old=3, step=1, teacher=teacher, extras=extras)


def test_salient_background_is_unknown():
    saliency = torch.tensor([[[0, 7, 7, 7]], [[1, 0, 1, 0]]], dtype=torch.uint8)
    labels, weight = UnknownLabelPlugin(saliency="depth").targets(batch_of(depth=saliency))
    assert labels.tolist() == [[[1, 0, 4, 255]], [[0, 2, 3, 255]]] and weight is None
    labels, _ = UnknownLabelPlugin().targets(batch_of(depth=saliency))
    assert labels.tolist() == [[[0, 0, 4, 255]], [[0, 2, 3, 255]]]


def test_images_with_raw_labels_keep_them_and_are_completed_too():
    logits = torch.full((2, 4, 1, 4), -5.0)
    logits[:, 3, :, :2] = 5.0  # Sure of channel 3 in the first two pixels.
    batch = batch_of(SegmentationOutput(logits), raw_labels=torch.tensor([False, True]))
    labels, _ = UnknownLabelPlugin().targets(batch)
    # Raw 0 and 1 are taken for unknown and background, as in the published code.
    assert labels.tolist() == [[[3, 3, 4, 255]], [[3, 3, 2, 255]]]


@pytest.mark.parametrize("value", ["", 1])
def test_bad_names(value):
    with pytest.raises(ValueError, match=r"expected the name of an extra"):
        UnknownLabelPlugin(saliency=value)
