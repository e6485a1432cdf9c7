"""``create_model``, and what a network of one's own needs to be created, saved and loaded."""

from functools import partial

import pytest
import torch
from torch import nn

from avalanche_seg.models import (
    HEADS,
    MODELS,
    BiSeNet,
    DenseFeatures,
    SegmentationModel,
    create_model,
    load_model,
    save_model,
)
from avalanche_seg.models.create import name_of
from tests.models.tiny import random_images


class PocketNetwork(nn.Sequential):
    """One convolution; taps it before the activation."""

    tap_names = ("conv",)

    def __init__(self, width):
        super().__init__(nn.Conv2d(3, width, 3, stride=4, padding=1))

    def forward(self, images, taps=()):
        maps = super().forward(images)
        return DenseFeatures(maps.relu(), taps={"conv": maps} if "conv" in taps else {})


class PocketNet(SegmentationModel):
    def __init__(self, *, width, head="1x1", classes_per_step=None):
        super().__init__(PocketNetwork(width), width, head=head, classes_per_step=classes_per_step)
        self.config = {"width": width, "head": head}


@pytest.fixture
def pocket(monkeypatch):
    monkeypatch.setitem(MODELS, "pocketnet", PocketNet)


@pytest.mark.parametrize("head", HEADS)
def test_a_network_of_ones_own_is_created_saved_and_loaded(pocket, tmp_path, head):
    torch.manual_seed(0)
    model = create_model("pocketnet", width=5, head=head, classes_per_step=(3, 2))
    assert type(model) is PocketNet and model.n_classes == 5
    names = [f"class {k}" for k in range(5)]
    save_model(
        model, tmp_path / "pocket.safetensors", class_names=names, class_ids=range(0, 50, 10)
    )
    loaded = load_model(tmp_path / "pocket.safetensors")
    assert type(loaded) is PocketNet
    assert loaded.config == {"width": 5, "head": head}
    assert loaded.class_names == tuple(names)
    assert loaded.class_ids == (0, 10, 20, 30, 40)
    images = random_images(32, 48)
    prediction = model.predict(images)
    assert torch.equal(loaded.predict(images), prediction)
    assert len(prediction.unique()) > 1


def test_a_network_of_ones_own_names_its_taps(pocket):
    model = create_model("pocketnet", width=5, classes_per_step=(3,))
    model.taps = ["conv", "head"]
    features = model(random_images(32, 48)).features
    assert torch.equal(features["conv"].relu(), features["head"])
    model.taps = ()
    assert model(random_images(32, 48)).features == {}


# The cheapest arguments of every known model.
ARGUMENTS = {"bisenet": {"backbone": "resnet18"}, "deeplabv3": {"backbone": "resnet18"}}


@pytest.mark.parametrize("name", MODELS)
def test_config_rebuilds_every_known_model(name):
    with torch.device("meta"):
        model = create_model(name, **ARGUMENTS[name], classes_per_step=(3, 2))
        again = create_model(name, **model.config)
        assert (again.config, again.n_classes) == (model.config, 0)
        for n_new in model.classes_per_step:
            again.grow(n_new)
    shapes = {key: value.shape for key, value in model.state_dict().items()}
    assert {key: value.shape for key, value in again.state_dict().items()} == shapes
    assert name_of(model) == name


@pytest.mark.parametrize(
    "options",
    [
        {"head": "3x3", "n_extra": 1},
        {"background": "none", "n_extra": 1, "taps": ["head", "layer3"]},
        {"background": "separate"},
    ],
    ids=str,
)
def test_config_holds_the_options_of_bisenet(options):
    with torch.device("meta"):
        model = BiSeNet("resnet18", classes_per_step=(3, 2), **options)
        again = create_model("bisenet", **model.config, classes_per_step=model.classes_per_step)
    assert again.config == model.config == {**model.config, **options}
    assert again.head.groups == model.head.groups
    assert again.taps == model.taps
    assert list(again.state_dict()) == list(model.state_dict())


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"model 'unet' is unknown; expected one of bisenet"):
        create_model("unet")


def test_an_argument_that_a_model_does_not_have_lists_those_it_has():
    with pytest.raises(
        ValueError, match=r"'bisenet': .*'depth'; its arguments are backbone, weights, head"
    ):
        create_model("bisenet", depth=3)


def test_an_argument_that_a_model_lacks_is_named(pocket):
    with pytest.raises(ValueError, match=r"'pocketnet': .*'width'; its arguments are width, head"):
        create_model("pocketnet")


def test_what_a_model_refuses_it_says_itself():
    with pytest.raises(ValueError, match=r"'5x5' is unknown; expected one of 1x1, 3x3"):
        create_model("bisenet", head="5x5")


def test_a_function_may_make_known_models(monkeypatch):
    monkeypatch.setitem(MODELS, "bisenet-ssul", partial(BiSeNet, head="3x3", n_extra=1))
    with torch.device("meta"):
        model = create_model("bisenet-ssul", classes_per_step=(3,))
    assert (model.n_extra, name_of(model)) == (1, "bisenet")
