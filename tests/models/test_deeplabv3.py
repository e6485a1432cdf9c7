"""DeepLabV3 against torchvision's and, in its other form, against MiB's text."""

import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation import DeepLabV3 as TorchvisionDeepLabV3
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead

from avalanche_seg.models import DeepLabV3, create_model
from avalanche_seg.plugins import FreezePlugin
from avalanche_seg.strategies import MiB
from avalanche_seg.training import sgd
from tests.models.test_aspp import moved, naive_window_means
from tests.models.tiny import random_images
from tests.tiny import tiny_benchmark

RATES = {16: (6, 12, 18), 8: (12, 24, 36)}


def torchvisions(name="resnet18", stride=8, *, n_classes=5, aux=True):
    """As ``deeplabv3_resnet50`` makes it, of any ResNet and stride; a resnet18 is not dilated."""
    dilated = [False, stride == 8, True] if name != "resnet18" else None
    resnet = getattr(torchvision.models, name)(replace_stride_with_dilation=dilated)
    wide = resnet.fc.in_features
    layers = {"layer3": "aux", "layer4": "out"} if aux else {"layer4": "out"}
    return TorchvisionDeepLabV3(
        IntermediateLayerGetter(resnet, layers),
        DeepLabHead(wide, n_classes, RATES[stride]),
        FCNHead(wide // 2, n_classes) if aux else None,
    )


def test_the_reference_is_torchvisions_own():
    with torch.device("meta"):
        own = torchvision.models.segmentation.deeplabv3_resnet50(
            weights_backbone=None, aux_loss=True
        )
        assert str(torchvisions("resnet50", n_classes=21)) == str(own)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return DeepLabV3("resnet18", classes_per_step=(3, 2))


# Millions of parameters and GMAC at 512 x 512, 21 classes, as the docstring has them.
SIZES = {
    ("resnet50", 16): (39.6, 48.4),
    ("resnet50", 8): (39.6, 163.6),
    ("resnet101", 16): (58.6, 67.8),
    ("resnet101", 8): (58.6, 241.2),
}


@pytest.mark.parametrize(("name", "stride"), SIZES)
def test_parameters_and_gmac_are_torchvisions(name, stride):
    parameters, flops = [], []
    with torch.device("meta"), torch.no_grad():
        ours = DeepLabV3(name, output_stride=stride, classes_per_step=(16, 5))
        for model in (ours, torchvisions(name, stride, n_classes=21, aux=False)):
            parameters.append(sum(parameter.numel() for parameter in model.parameters()))
            with FlopCounterMode(display=False) as counter:
                model.eval()(torch.empty(1, 3, 512, 512))
            flops.append(counter.get_total_flops())
    assert parameters[0] == parameters[1] and flops[0] == flops[1]
    found = (round(parameters[0] / 1e6, 1), round(flops[0] / 2e9, 1))
    assert found == SIZES[name, stride]


@pytest.fixture(scope="module", params=[16, 8])
def same_weights(request, folder):
    """Ours with the weights of torchvision's segmentation file, its classifiers copied."""
    torch.manual_seed(0)
    theirs = moved(torchvisions("resnet50", request.param))
    path = folder / f"coco{request.param}.pth"
    torch.save(theirs.state_dict(), path)
    ours = DeepLabV3("resnet50", output_stride=request.param, weights=path, aux=True, dropout=0.5)
    ours.grow(5)
    finals = (theirs.classifier[4], theirs.aux_classifier[4])
    for head, classifier in zip(ours.heads, finals, strict=True):
        head.classifiers[0].load_state_dict(classifier.state_dict())
    return ours, theirs


@pytest.mark.parametrize("training", [False, True])
def test_outputs_are_torchvisions(same_weights, training):
    ours, theirs = (model.train(training) for model in same_weights)
    images = random_images(33, 49)
    outputs = []
    for model in (ours, theirs):
        torch.manual_seed(1)  # Of dropout.
        with torch.no_grad():
            outputs.append(model(images))
    output, expected = outputs
    levels = [output.logits, *output.aux]
    assert len(levels) == 1 + training
    for level, name in zip(levels, ("out", "aux"), strict=False):
        resized = F.interpolate(level, images.shape[-2:], mode="bilinear", align_corners=False)
        torch.testing.assert_close(resized, expected[name], rtol=1e-5, atol=1e-5)


def of_mibs_line(model, images):
    """MiB's text: one norm over the joined branches, the image's mean added behind them."""
    network = model.network
    resnet = network.backbone
    maps = images
    for layer in resnet.stem[:2]:
        maps = layer(maps)
    maps = F.max_pool2d(F.leaky_relu(maps, 0.01), 3, 2, 1)
    for name in ("layer1", "layer2", "layer3", "layer4"):
        for block in getattr(resnet, name):
            branch = F.leaky_relu(block.bn1(block.conv1(maps)), 0.01)
            branch = block.bn2(block.conv2(branch))
            shortcut = maps if block.downsample is None else block.downsample(maps)
            maps = F.leaky_relu(branch + shortcut, 0.01)
    *branches, pooling = network.aspp.convs
    joined = torch.cat([branch[0](maps) for branch in branches], dim=1)
    norms = [branch[1] for branch in branches]
    statistics = (
        torch.cat([getattr(norm, name) for norm in norms])
        for name in ("running_mean", "running_var", "weight", "bias")
    )
    joined = F.leaky_relu(F.batch_norm(joined, *statistics), 0.01)
    pooled = pooling[1](naive_window_means(maps, model.config["pooling_window"]))
    pooled = F.leaky_relu(pooling[2](pooled), 0.01)
    project, norm = network.aspp.project[:2]
    width = joined.shape[1]
    summed = F.conv2d(joined, project.weight[:, :width])
    summed = summed + F.conv2d(pooled, project.weight[:, width:])
    return F.leaky_relu(norm(summed), 0.01)


def test_the_form_of_mibs_line():
    torch.manual_seed(0)
    form = {"activation": "leaky_relu", "last_conv": False, "dropout": 0.0}
    model = DeepLabV3("resnet18", pooling_window=3, classes_per_step=(3,), **form)
    moved(model).eval()
    images = random_images(65, 97)
    with torch.no_grad():
        output, expected = model(images), of_mibs_line(model, images)
    assert expected.shape == (2, 256, 5, 7) and expected.min() < 0
    torch.testing.assert_close(output.features["head"], expected, rtol=1e-5, atol=1e-5)


def test_momentum_and_activation_reach_the_whole_network():
    with torch.device("meta"):
        model = DeepLabV3("resnet18", activation="leaky_relu", norm_momentum=0.01, aux=True)
    modules = list(model.network.modules())
    assert {m.momentum for m in modules if isinstance(m, nn.BatchNorm2d)} == {0.01}
    assert {m.negative_slope for m in modules if isinstance(m, nn.LeakyReLU)} == {0.01}
    assert not any(isinstance(module, nn.ReLU) for module in modules)


def test_kaimings_start_is_that_of_what_lies_above_the_backbone():
    models = []
    for kaiming in (False, True):
        torch.manual_seed(0)
        models.append(DeepLabV3("resnet18", aux=True, kaiming=kaiming).network)
    plain, started = models
    states_equal(None, plain.state_dict(), "backbone.", started.backbone)
    modules = (*started.aspp.modules(), *started.last_conv, *started.auxiliary)
    for convolution in (module for module in modules if isinstance(module, nn.Conv2d)):
        fan_in = convolution.weight[0].numel()
        assert convolution.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
    assert plain.last_conv[0].weight.std() < 0.5 * started.last_conv[0].weight.std()


def states_equal(model, state, prefix, module):
    own = module.state_dict()
    assert own and all(torch.equal(own[key], state[prefix + key]) for key in own)


def test_weights_of_a_resnet_are_the_backbones(folder):
    torch.manual_seed(0)
    state = torchvision.models.resnet18().state_dict()
    torch.save(state, folder / "resnet18.pth")
    model = DeepLabV3("resnet18", weights=folder / "resnet18.pth")
    states_equal(model, state, "layer4.", model.network.backbone.layer4)
    states_equal(model, state, "conv1.", model.network.backbone.stem[0])
    assert "weights" not in model.config


def test_the_imagenet_weights_are_the_backbones(monkeypatch):
    torch.manual_seed(0)
    state = torchvision.models.resnet18().state_dict()
    monkeypatch.setattr(
        torchvision.models._api, "load_state_dict_from_url", lambda *args, **kwargs: state
    )
    model = DeepLabV3("resnet18", weights="imagenet")
    states_equal(model, state, "layer1.", model.network.backbone.layer1)


@pytest.mark.parametrize("aux", [True, False])
def test_weights_of_a_deeplab_are_the_whole_networks(folder, aux):
    torch.manual_seed(0)
    state = torchvisions().state_dict()
    torch.save(state, folder / "deeplab18.pth")
    network = DeepLabV3("resnet18", weights=folder / "deeplab18.pth", aux=aux).network
    states_equal(network, state, "backbone.layer4.", network.backbone.layer4)
    states_equal(network, state, "backbone.bn1.", network.backbone.stem[1])
    states_equal(network, state, "classifier.0.", network.aspp)
    states_equal(network, state, "classifier.1.", network.last_conv[0])
    states_equal(network, state, "classifier.2.", network.last_conv[1])
    if aux:
        states_equal(network, state, "aux_classifier.", network.auxiliary)


WRONG = {
    "an auxiliary head is missing": (
        {"aux": True},
        lambda state: {k: v for k, v in state.items() if not k.startswith("aux")},
        r"keys differ, the first is aux_classifier\.0\.weight, which is missing",
    ),
    "no last convolution": (
        {"last_conv": False},
        lambda state: state,
        r"keys differ, the first is classifier\.1\.weight, which is none of its names",
    ),
    "another backbone": (
        {"backbone": "resnet50"},
        lambda state: state,
        r"keys differ, the first is backbone\.layer1\.0\.bn3\.bias, which is missing",
    ),
    "another width": (
        {},
        lambda state: state | {"classifier.0.convs.1.0.weight": torch.zeros(256, 512, 1, 1)},
        r"1 of \d+ weights have another shape, the first is 'classifier\.0\.convs\.1\.0\.weight': "
        r"\(256, 512, 1, 1\), not \(256, 512, 3, 3\)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_weights_of_another_network_name_the_first_difference(folder, case):
    options, change, message = WRONG[case]
    torch.save(change(torchvisions().state_dict()), folder / "wrong.pth")
    with pytest.raises(
        ValueError, match=rf"wrong\.pth does not fit deeplabv3_resnet\d+: .*{message}"
    ):
        DeepLabV3(**{"backbone": "resnet18", **options}, weights=folder / "wrong.pth")


def test_a_missing_file_says_what_could_be_given():
    with pytest.raises(ValueError, match=r"is no file; .*resnet18 or deeplabv3_resnet18"):
        DeepLabV3("resnet18", weights="no/such.pth")


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (97, 131), (1, 1)])
@pytest.mark.parametrize("stride", [16, 8])
def test_any_size_gives_logits_at_the_output_stride(size, stride):
    torch.manual_seed(0)
    model = DeepLabV3("resnet18", output_stride=stride, aux=True, classes_per_step=(3,))
    images = random_images(*size)
    with torch.no_grad():
        output, evaluated = model.train()(images), model.eval()(images)
    shape = (2, 3, *(math.ceil(side / stride) for side in size))
    assert output.logits.shape == evaluated.logits.shape == output.aux[0].shape == shape
    assert output.features["head"].shape[1] == 256 and evaluated.aux == ()
    assert model.predict(images).shape == (2, *size)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_every_tap_is_before_its_activation(activation):
    torch.manual_seed(0)
    names = ("layer1", "layer2", "layer3", "layer4")
    model = DeepLabV3(
        "resnet18", activation=activation, taps=("head", *names), classes_per_step=(3,)
    ).eval()
    images = random_images(50, 70)
    after = {}
    for name in names:
        stage = getattr(model.network.backbone, name)
        stage.register_forward_hook(lambda _, __, maps, name=name: after.update({name: maps}))
    with torch.no_grad():
        output = model(images)
        model.taps = ("head",)
        assert torch.equal(model(images).logits, output.logits)
    assert set(output.features) == {"head", *names}
    function = {"relu": torch.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.01)}[activation]
    for name, stride in zip(names, (4, 8, 16, 16), strict=True):
        tap = output.features[name]
        assert tap.shape[-2:] == (math.ceil(50 / stride), math.ceil(70 / stride))
        assert tap.min() < 0
        assert torch.equal(function(tap), after[name])


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    model = DeepLabV3("resnet18", aux=True, classes_per_step=(3, 2))
    output = model(random_images(64, 96))
    sum(maps.square().mean() for maps in (output.logits, *output.aux)).backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
    roles = model.parameter_roles()
    assert len(roles["body"]) == len(list(model.network.backbone.parameters()))
    assert len(roles["old"]) == len(roles["new"]) == 4


OPTIONS = {
    "output_stride": 8,
    "aux": True,
    "activation": "leaky_relu",
    "norm_momentum": 0.01,
    "pooling_window": 4,
    "dropout": 0.2,
    "last_conv": False,
    "kaiming": True,
    "n_extra": 1,
    "background": "separate",
    "taps": ["layer3"],
}


def test_config_holds_the_options():
    with torch.device("meta"):
        model = DeepLabV3("resnet101", **OPTIONS, classes_per_step=(3, 2))
        again = create_model("deeplabv3", **model.config, classes_per_step=(3, 2))
    assert again.config == model.config == {**model.config, **OPTIONS, "backbone": "resnet101"}
    assert str(again) == str(model)
    assert list(again.state_dict()) == list(model.state_dict())


def test_config_of_other_models_stays_as_it_was():
    with torch.device("meta"):
        assert "kaiming" not in DeepLabV3("resnet18").config


def test_one_training_image_is_refused(small):
    with pytest.raises(ValueError, match=r"DeepLabV3 got a training batch of one image; .*mb_size"):
        small.train()(random_images(32, 32, batch=1))
    assert small.eval()(random_images(32, 32, batch=1)).logits.shape == (1, 5, 2, 2)


def test_two_steps_of_mib_with_the_network_held_in_evaluation_mode(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    torch.manual_seed(0)
    model = DeepLabV3("resnet18", aux=True)
    strategy = MiB(
        model=model,
        optimizer=sgd(0.01),
        evaluator=None,
        plugins=[FreezePlugin(evaluation=["network"], first_step=1)],
    )
    for experience in benchmark.train_stream:
        strategy.train(experience, eval_streams=[])
        assert all(torch.isfinite(p).all() for p in model.parameters())
    assert [head.classes_per_step for head in model.heads] == [[16, 5]] * 2


@pytest.mark.parametrize("name", ["resnet34", "vgg16"])
def test_an_unknown_backbone_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"'{name}'.*resnet18, resnet50, resnet101"):
        DeepLabV3(name)
