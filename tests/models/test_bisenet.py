import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from avalanche_seg.models import BiSeNet
from tests.models.tiny import random_images

# Channels at strides 16 and 32, millions of parameters and GMAC at 512 x 512, 21 classes; the last
# as published, with the context maps resized before they are convolved.
PUBLISHED = {"resnet18": ((256, 512), 13.1, 16.9), "resnet50": ((1024, 2048), 33.0, 39.6)}
FUSED = {"resnet18": 13.9, "resnet50": 27.1}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    model.grow(3)
    model.grow(2)
    for module in model.modules():  # Statistics and scales that are not the identity.
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return model


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_size_is_the_published_one_without_what_the_fusion_saves(backbone):
    channels, millions, gmac = PUBLISHED[backbone]
    with torch.device("meta"):
        model = BiSeNet(backbone)
        model.grow(21)
        assert model.network.context.channels == channels
        # The two auxiliary heads are for training; the published counts include them.
        parameters = sum(parameter.numel() for parameter in model.parameters())
        assert parameters / 1e6 == pytest.approx(millions, rel=0.01)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.eval()(torch.empty(1, 3, 512, 512))
    # 64 x 64 pixels, 3 x 3 taps, 128 channels of the sum.
    plain = sum(channels) * 64 * 64 * 9 * 128 / 1e9
    ours = counter.get_total_flops() / 2e9
    assert ours == pytest.approx(FUSED[backbone], rel=0.01)
    assert gmac - plain < ours < gmac - 0.8 * plain


def test_resnet101_is_the_deeper_one():
    with torch.device("meta"):
        sizes = {
            name: sum(p.numel() for p in BiSeNet(name).parameters())
            for name in ("resnet50", "resnet101")
        }
        expected = sum(p.numel() for p in torchvision.models.resnet101().parameters())
        expected -= sum(p.numel() for p in torchvision.models.resnet50().parameters())
    assert sizes["resnet101"] - sizes["resnet50"] == expected


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (50, 70), (97, 131), (1, 1)])
def test_any_size_gives_logits_at_stride_8(model, size):
    eighth = tuple(math.ceil(side / 8) for side in size)
    images = random_images(*size)
    with torch.no_grad():
        output = model.train()(images)
        evaluated = model.eval()(images)
    assert output.logits.shape == evaluated.logits.shape == (2, 5, *eighth)
    assert [aux.shape for aux in output.aux] == [(2, 5, *eighth)] * 2
    assert output.features["head"].shape == (2, 128, *eighth)
    assert evaluated.aux == ()
    assert model.predict(images).shape == (2, *size)


def refined(stage, features):
    """ARM: pool, 1x1 convolution of the same width, norm, sigmoid, multiply."""
    pooled = F.adaptive_avg_pool2d(features, 1)
    gate = stage.norm(F.conv2d(pooled, stage.conv.weight, stage.conv.bias))
    return features * gate.sigmoid()


def stride8(block, features, stride):
    conv, norm, _ = block
    return norm(F.conv2d(features, conv.weight, stride=stride, padding=1)).clamp(min=0)


def recomputed(model, images):
    """The text of the paper's variant, from the model's layers but not its forward methods."""
    spatial = images
    for block in model.network.spatial:
        spatial = stride8(block, spatial, stride=2)
    resnet = model.network.context.backbone
    at16 = resnet.layer3(resnet.layer2(resnet.layer1(resnet.stem(images))))
    at32 = resnet.layer4(at16)
    tail = F.adaptive_avg_pool2d(at32, 1)
    levels = [
        refined(model.network.context.refine16, at16),
        refined(model.network.context.refine32, at32) * tail,
    ]
    size = spatial.shape[-2:]
    levels = [
        F.interpolate(level, size=size, mode="bilinear", align_corners=False) for level in levels
    ]
    fusion = model.network.fusion
    fused = stride8(fusion.fuse, torch.cat([spatial, *levels], dim=1), stride=1)
    pooled = F.adaptive_avg_pool2d(fused, 1)
    attention = fusion.excite(fusion.squeeze(pooled).clamp(min=0)).sigmoid()
    features = fused * attention + fused
    classified = [
        torch.cat([classifier(maps) for classifier in head.classifiers], dim=1)
        for head, maps in zip(model.heads, [features, *levels], strict=True)
    ]
    return features, classified[0], classified[1:]


@pytest.mark.parametrize("training", [True, False])
def test_forward_is_wired_as_published(model, training):
    images = random_images(50, 70)
    with torch.no_grad():
        output = model.train(training)(images)
        features, logits, aux = recomputed(model, images)
    assert output.features["head"].std() > 1e-3
    torch.testing.assert_close(output.features["head"], features)
    torch.testing.assert_close(output.logits, logits)
    assert len(output.aux) == (2 if training else 0)
    for ours, expected in zip(output.aux, aux if training else (), strict=True):
        torch.testing.assert_close(ours, expected)


def test_layers_have_the_published_shapes(model):
    spatial = [block[0] for block in model.network.spatial]
    assert [conv.weight.shape for conv in spatial] == [
        (64, 3, 3, 3),
        (128, 64, 3, 3),
        (256, 128, 3, 3),
    ]
    fusion = model.network.fusion
    assert fusion.fuse[0].weight.shape == (128, 1024, 3, 3)
    assert fusion.squeeze.weight.shape == fusion.excite.weight.shape == (128, 128, 1, 1)
    assert [head.in_channels for head in model.heads] == [128, 256, 512]
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-5, 0.1)}


def test_kaiming_initialisation_outside_the_resnet():
    torch.manual_seed(1)
    network = BiSeNet("resnet18").network
    context = network.context
    fresh = [network.spatial, network.fusion, context.refine16, context.refine32]
    convs = [m for part in fresh for m in part.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == 3 + 3 + 2
    for conv in convs:
        fan_in = conv.weight[0].numel()
        assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.1)
        assert conv.bias is None or not conv.bias.any()


def test_every_parameter_gets_a_gradient(model):
    model.train().zero_grad()
    output = model(random_images(64, 96))
    sum(maps.square().mean() for maps in (output.logits, *output.aux)).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # A constant before a batch norm over the batch changes nothing.
    assert [name for name in silent if not name.endswith("conv.bias")] == []


def test_an_unknown_backbone_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'resnet34'.*resnet18, resnet50, resnet101"):
        BiSeNet("resnet34")


STRIDES = {"layer1": (4, 64), "layer2": (8, 128), "layer3": (16, 256), "layer4": (32, 512)}


def test_every_tap_can_be_had(model):
    model.eval().taps = ("head", *STRIDES)
    images = random_images(50, 70)
    try:
        with torch.no_grad():
            output = model(images)
    finally:
        model.taps = ("head",)
    assert set(output.features) == {"head", *STRIDES}
    for name, (stride, width) in STRIDES.items():
        size = (math.ceil(50 / stride), math.ceil(70 / stride))
        assert output.features[name].shape == (2, width, *size)
        assert output.features[name].min() < 0
    with torch.no_grad():
        assert torch.equal(model(images).logits, output.logits)
        assert list(model(images).features) == ["head"]


def test_an_unknown_tap_lists_the_known_ones():
    with (
        torch.device("meta"),
        pytest.raises(
            ValueError, match=r"'layer5' are unknown; expected some of head, layer1, .*layer4"
        ),
    ):
        BiSeNet(taps=("head", "layer5"))


def test_steps_may_be_given_at_once():
    torch.manual_seed(0)
    model = BiSeNet("resnet18", classes_per_step=(3, 2))
    torch.manual_seed(0)
    grown = BiSeNet("resnet18")
    grown.grow(3)
    grown.grow(2)
    assert model.classes_per_step == [3, 2]
    state = grown.state_dict()
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_options_reach_every_head():
    with torch.device("meta"):
        model = BiSeNet(head="3x3", n_extra=1, background="separate", classes_per_step=(3, 2))
    for head in model.heads:
        assert [group.n_channels for group in head.groups] == [1, 1, 2, 2]
        kind = nn.Sequential if head is model.head else nn.Conv2d
        assert all(isinstance(classifier, kind) for classifier in head.classifiers)
    assert (model.n_classes, model.n_channels, model.n_extra) == (5, 6, 1)
