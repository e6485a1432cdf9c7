import math
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from avalanche_seg.models import BACKBONES
from avalanche_seg.models.backbones import STAGES, ResNetPyramid
from tests.models.tiny import random_images


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    return torchvision.models.resnet18().eval()


def saved(state, path):
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return path


def maps_of(resnet, images):
    """torchvision's own forward, stopped before the pooling."""
    x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
    stride16 = resnet.layer3(resnet.layer2(resnet.layer1(x)))
    return stride16, resnet.layer4(stride16)


def assert_same_maps(pyramid, resnet):
    images = random_images(50, 70)
    with torch.no_grad():
        for ours, theirs in zip(pyramid.eval()(images)[:2], maps_of(resnet, images), strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", BACKBONES)
def test_maps_are_at_strides_16_and_32(name):
    with torch.device("meta"):
        maps = ResNetPyramid(name)(torch.empty(1, 3, 50, 70))[:2]
    sizes = [(math.ceil(50 / stride), math.ceil(70 / stride)) for stride in (16, 32)]
    wanted = [(1, width, *size) for width, size in zip(BACKBONES[name], sizes, strict=True)]
    assert [tuple(level.shape) for level in maps] == wanted


@pytest.mark.parametrize(
    ("stride", "replaced"), [(16, [False] * 2 + [True]), (8, [False, True, True])]
)
def test_dilated_stages_are_torchvisions(stride, replaced):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(replace_stride_with_dilation=replaced).eval()
    ours = ResNetPyramid("resnet50", output_stride=stride)
    ours.load(theirs.state_dict(), "theirs")
    assert_same_maps(ours, theirs)


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize(("stride", "layer3"), [(16, 16), (8, 8)])
def test_output_strides(name, stride, layer3):
    with torch.device("meta"):
        maps = ResNetPyramid(name, output_stride=stride)(torch.empty(1, 3, 50, 70))[:2]
    for level, s in zip(maps, (layer3, stride), strict=True):
        assert level.shape[-2:] == (math.ceil(50 / s), math.ceil(70 / s))


def test_a_resnet18_is_dilated_in_all_its_3x3_convolutions():
    with torch.device("meta"):
        pyramid = ResNetPyramid("resnet18", output_stride=8)
    dilations = {
        stage: [c.dilation[0] for c in getattr(pyramid, stage).modules() if hasattr(c, "dilation")]
        for stage in ("layer2", "layer3", "layer4")
    }
    # The third convolution of a stage is its shortcut's, 1x1.
    assert dilations["layer2"] == [1, 1, 1, 1, 1]
    assert dilations["layer3"] == [1, 1, 1, 2, 2]
    assert dilations["layer4"] == [2, 2, 1, 4, 4]


def test_an_unknown_output_stride_lists_the_known_ones():
    with pytest.raises(ValueError, match="output_stride=4; expected 32, 16 or 8"):
        ResNetPyramid("resnet18", output_stride=4)


def test_the_classifier_is_gone():
    with torch.device("meta"):
        assert not [key for key in ResNetPyramid().state_dict() if key.startswith("fc")]


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("as_text", [True, False])
def test_weights_from_a_file(resnet, tmp_path, suffix, as_text):
    path = saved(resnet.state_dict(), tmp_path / f"weights{suffix}")
    assert_same_maps(ResNetPyramid("resnet18", weights=str(path) if as_text else path), resnet)


def test_weights_without_a_classifier(resnet, tmp_path):
    state = {k: v for k, v in resnet.state_dict().items() if not k.startswith("fc.")}
    path = saved(state, tmp_path / "weights.pth")
    assert_same_maps(ResNetPyramid("resnet18", weights=path), resnet)


def test_weights_of_before_norms_counted_their_batches(resnet, tmp_path):
    # As in files of older torchvision releases, which torchvision itself still loads.
    state = {k: v for k, v in resnet.state_dict().items() if "num_batches_tracked" not in k}
    path = saved(state, tmp_path / "weights.pth")
    assert_same_maps(ResNetPyramid("resnet18", weights=path), resnet)


def test_weights_of_another_architecture_name_the_first_key(resnet, tmp_path):
    path = saved(resnet.state_dict(), tmp_path / "weights.pth")
    # Of all keys, the bottleneck's third norm is the first that a resnet18 does not have.
    with pytest.raises(
        ValueError, match=r"weights\.pth does not fit resnet50.*layer1\.0\.bn3\.bias"
    ):
        ResNetPyramid("resnet50", weights=path)


def test_weights_of_another_width_name_the_file(resnet, tmp_path):
    state = resnet.state_dict() | {"conv1.weight": torch.zeros(32, 3, 7, 7)}
    path = saved(state, tmp_path / "narrow.pth")
    with pytest.raises(
        ValueError,
        match=r"narrow\.pth does not fit resnet18: 1 of 1\d\d .*'conv1\.weight': \(32, 3",
    ):
        ResNetPyramid("resnet18", weights=path)


def test_a_nested_checkpoint_does_not_fit(resnet, tmp_path):
    path = saved({"state_dict": resnet.state_dict()}, tmp_path / "nested.pth")
    with pytest.raises(ValueError, match=r"nested\.pth does not fit resnet18"):
        ResNetPyramid("resnet18", weights=path)


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], {0: torch.zeros(3)}])
def test_a_file_that_holds_no_state_dict(tmp_path, content):
    path = saved(content, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd\.pth"):
        ResNetPyramid("resnet18", weights=path)


@pytest.mark.parametrize("name", ["missing.pth", "."])
def test_a_missing_file(tmp_path, name):
    with pytest.raises(ValueError, match="is no file; expected None, 'imagenet', or the path"):
        ResNetPyramid("resnet18", weights=tmp_path / name)


@pytest.mark.parametrize("name", ["bad.pth", "bad.safetensors"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 10])
def test_a_garbage_file(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} cannot be read as a state dict"):
        ResNetPyramid("resnet18", weights=tmp_path / name)


def patch_download(monkeypatch, answer):
    def load_state_dict_from_url(url, *args, **kwargs):
        assert "resnet18" in url
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", load_state_dict_from_url)
    monkeypatch.setattr(
        torchvision.models._api, "load_state_dict_from_url", load_state_dict_from_url
    )


def test_imagenet_weights_are_torchvisions(resnet, monkeypatch):
    patch_download(monkeypatch, resnet.state_dict())
    assert_same_maps(ResNetPyramid("resnet18", weights="imagenet"), resnet)


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError("no route")])
def test_a_failed_download_says_how_to_go_on(monkeypatch, error):
    patch_download(monkeypatch, error)
    with pytest.raises(ValueError, match=r"resnet18 could not be .*no route.*--no_pretrained"):
        ResNetPyramid("resnet18", weights="imagenet")


def test_a_damaged_download_says_how_to_go_on(monkeypatch):
    # torch.hub checks the file's hash and raises RuntimeError.
    patch_download(monkeypatch, RuntimeError('invalid hash value (expected "f3", got "e3")'))
    with pytest.raises(ValueError, match=r"resnet18 could not be .*invalid hash"):
        ResNetPyramid("resnet18", weights="imagenet")


def test_an_unknown_backbone_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'vgg16'.*resnet18, resnet50, resnet101"):
        ResNetPyramid("vgg16")


def moved_norms(pyramid):
    for module in pyramid.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    return pyramid


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_taps_are_the_stages_before_their_last_activation(name, training):
    torch.manual_seed(0)
    pyramid = moved_norms(ResNetPyramid(name)).train(training)
    images = random_images(50, 70)
    maps = pyramid(images, STAGES)
    assert list(maps.taps) == list(STAGES)
    stage_input = pyramid.stem(images)
    for stage in STAGES:
        after = getattr(pyramid, stage)(stage_input)
        assert maps.taps[stage].min() < 0 and after.min() == 0
        assert torch.equal(maps.taps[stage].relu(), after)
        stage_input = after
    assert torch.equal(maps.layer4, stage_input)


def test_taps_change_neither_the_maps_nor_the_gradients():
    torch.manual_seed(0)
    pyramid, images = moved_norms(ResNetPyramid()), random_images(50, 70)
    results = []
    for taps in ((), ("layer2", "layer4"), STAGES):
        pyramid.zero_grad()
        maps = pyramid(images, taps)
        assert set(maps.taps) == set(taps)
        (maps.layer3.square().mean() + maps.layer4.square().mean()).backward()
        gradients = [parameter.grad.clone() for parameter in pyramid.parameters()]
        results.append([maps.layer3, maps.layer4, *gradients])
    for others in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], others, strict=True))


def test_a_tap_has_a_gradient_of_its_own():
    torch.manual_seed(0)
    pyramid = ResNetPyramid()
    pyramid(random_images(50, 70), {"layer2"}).taps["layer2"].square().mean().backward()
    reached = {name.split(".")[0] for name, p in pyramid.named_parameters() if p.grad is not None}
    assert reached == {"stem", "layer1", "layer2"}
