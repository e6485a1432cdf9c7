"""The pyramid, against torchvision's and MiB's texts."""

import copy

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torchvision.models.segmentation import deeplabv3

from avalanche_seg.models.aspp import ASPP, ImagePooling, window_means
from tests.models.tiny import feature_maps


def naive_window_means(maps, window):
    """Every pixel takes the window that starts (side - 1) // 2 before it, moved into the map."""
    height, width = maps.shape[-2:]
    high, wide = min(window, height), min(window, width)
    result = torch.empty_like(maps)
    for y in range(height):
        for x in range(width):
            top = min(max(y - (high - 1) // 2, 0), height - high)
            left = min(max(x - (wide - 1) // 2, 0), width - wide)
            result[:, :, y, x] = maps[:, :, top : top + high, left : left + wide].mean((2, 3))
    return result


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 7), width=st.integers(1, 7), window=st.integers(1, 9))
def test_window_means_are_those_of_windows_inside_the_map(height, width, window):
    maps = feature_maps(size=(height, width), dtype=torch.float64)
    torch.testing.assert_close(window_means(maps, window), naive_window_means(maps, window))


def test_a_window_of_the_whole_map_is_global_pooling():
    maps = feature_maps(dtype=torch.float64)
    expected = maps.mean((2, 3), keepdim=True).expand_as(maps)
    torch.testing.assert_close(window_means(maps, 5), expected)


def moved(module):
    """Statistics and scales that are not the identity."""
    torch.manual_seed(1)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.2, 0.2)
    return module


@pytest.mark.parametrize("training", [True, False])
def test_it_computes_what_torchvisions_does_with_its_weights_and_names(training):
    theirs = moved(deeplabv3.ASPP(4, (6, 12, 18), 8)).train(training)
    ours = ASPP(4, 8, (6, 12, 18), dropout=0.5).train(training)
    ours.load_state_dict(theirs.state_dict())
    maps = feature_maps(size=(21, 26))
    outputs = []
    for aspp in (ours, theirs):
        torch.manual_seed(2)  # Of dropout.
        outputs.append(aspp(maps))
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    for name, buffer in ours.named_buffers():
        torch.testing.assert_close(buffer, dict(theirs.named_buffers())[name])


def test_dropout_is_the_share_told():
    dropped = [ASPP(4, 8, (1,), dropout=share).project[-1].p for share in (0.0, 0.25)]
    assert (dropped, ASPP(4, 8, (1,)).project[-1].p) == ([0.0, 0.25], 0.1)


def test_a_window_is_for_evaluation_alone():
    pooling = moved(ImagePooling(4, 3, window=2))
    globally = copy.deepcopy(pooling)
    globally[0].window = None
    maps = feature_maps(size=(3, 5))
    torch.testing.assert_close(pooling.train()(maps), globally.train()(maps))
    evaluated = pooling.eval()(maps)
    _, conv, norm, relu = pooling
    expected = relu(norm(conv(naive_window_means(maps, 2))))
    torch.testing.assert_close(evaluated, expected)
    assert not torch.allclose(evaluated, globally.eval()(maps))


def test_one_image_in_training_is_refused_before_the_norm_sees_it():
    pooling = ImagePooling(4, 3)
    with pytest.raises(ValueError, match=r"batch of one image; expected two .*raise train_mb_size"):
        pooling(feature_maps(batch=1))
    assert not pooling[2].num_batches_tracked
    pooling[2].eval()  # As --fix_bn holds it.
    assert pooling(feature_maps(batch=1)).shape == (1, 3, 3, 5)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_memory_format_stays(layout):
    aspp = ASPP(4, 8, (1, 2)).to(memory_format=layout)
    seen = []
    aspp.project.register_forward_pre_hook(lambda _, maps: seen.append(maps[0]))
    aspp(feature_maps(size=(6, 5)).contiguous(memory_format=layout))
    assert seen[0].is_contiguous(memory_format=layout)
