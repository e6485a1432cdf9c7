"""Networks of other libraries by name."""

import importlib
import json
import warnings

import pytest
import torch
from safetensors.torch import save_file

from avalanche_seg.models import create_model, load_model, name_of, save_model
from avalanche_seg.models.adapting import by_name, library_names
from tests.adapted import BY_NAME
from tests.models.tiny import random_images

TIMM = "timm:resnet10t"
SEGFORMER = BY_NAME["hf:segformer"]


def model_of(name, **options):
    torch.manual_seed(0)
    return create_model(name, **BY_NAME.get(name, {}), **options)


@pytest.mark.parametrize(
    "name", ["smp:Unet/resnet18", TIMM, "hf:segformer", "torchvision:lraspp_mobilenet_v3_large"]
)
def test_a_file_is_read_without_the_network(name, tmp_path):
    model = model_of(name, classes_per_step=(3, 2), n_extra=1)
    save_model(model, tmp_path / "m.safetensors", class_names=list("abcde"))
    state = torch.get_rng_state()
    loaded = load_model(tmp_path / "m.safetensors")
    assert torch.get_rng_state().equal(state)
    assert name_of(loaded) == name == loaded.name
    assert loaded.config == model.config == json.loads(json.dumps(model.config))
    images = random_images(40, 33)
    assert loaded.predict(images).equal(model.predict(images))


@pytest.mark.parametrize(
    "name", ["smp:Unet/resnet18", TIMM, "hf:segformer", "torchvision:lraspp_mobilenet_v3_large"]
)
def test_images_of_other_channels_have_numbers_of_their_own(name, tmp_path):
    own = {"in_channels": 5, "mean": [0.1] * 5, "std": [0.2] * 5, "value_range": [0.0, 4000.0]}
    model = model_of(name, classes_per_step=(2,), **own)
    assert own.items() <= model.config.items()
    assert model.config.keys().isdisjoint({"in_chans", "num_channels"}), "told once"
    save_model(model, tmp_path / "m.safetensors", class_names="ab")
    loaded = load_model(tmp_path / "m.safetensors")
    assert loaded.config == model.config
    images = torch.randint(0, 256, (2, 5, 64, 64), dtype=torch.uint8)
    assert loaded.predict(images).equal(model.predict(images))
    with pytest.raises(ValueError, match="in_channels=0"):
        model_of(name, in_channels=0)


def test_the_auxiliary_classifier_of_torchvision_is_a_head():
    model = create_model("torchvision:fcn_resnet50", aux_loss=True, classes_per_step=(3,))
    assert model.frozen == ()
    assert [aux.shape for aux in model(random_images(32, 32)).aux] == [(2, 3, 4, 4)]
    assert {id(p) for p in model.body.parameters()} < {id(p) for p in model.parameters()}


def test_a_library_that_is_not_there_is_named_with_its_extra(monkeypatch, tmp_path):
    save_model(model_of(TIMM, classes_per_step=(1,)), tmp_path / "m.safetensors", class_names="a")

    def missing(package):
        raise ModuleNotFoundError(f"No module named {package!r}")

    monkeypatch.setattr(by_name.importlib, "import_module", missing)
    told = r"'timm:resnet10t' needs timm.*pip install 'avalanche-seg\[timm\]'"
    with pytest.raises(ValueError, match=told):
        create_model(TIMM)
    with pytest.raises(ValueError, match=told):
        load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        (
            "unet",
            {},
            "'unet' is unknown; expected one of bisenet.*, or of a library, such",
        ),
        ("keras:unet", {}, "'keras:unet' is unknown"),
        ("torchvision:resnet18", {}, "'resnet18' is unknown; expected one of deeplabv3_mobilenet"),
        ("smp:unet/resnet18", {}, "'unet' is unknown; expected one of DPT, DeepLabV3"),
        ("smp:Unet/resnet17", {}, "'resnet17' is unknown; the nearest are resnet1"),
        ("timm:resnet18q", {}, "'resnet18q' is unknown; the nearest are resnet18"),
        ("hf:mask2former", {}, "'mask2former' is unknown; expected one of segformer"),
        ("torchvision:fcn_resnet50", {"depth": 3}, "'depth' is no argument; expected some of"),
        ("hf:segformer", {"depth": 3}, "'depth' is no argument; expected some of num_labels"),
        ("smp:Unet", {"depth": 3}, "'smp:Unet': .*'depth'"),
        ("hf:segformer", {"weights": "imagenet"}, "weights='imagenet' would have to be downloaded"),
        (TIMM, {"weights": "nowhere.pt"}, "weights='nowhere.pt' is no file"),
    ],
)
def test_what_is_unknown_is_named(name, options, told):
    with pytest.raises(ValueError, match=told):
        create_model(name, **options)


def test_every_example_of_a_name_is_known():
    assert len(library_names()) == 4
    for name in library_names():
        by_name.LIBRARIES[name.partition(":")[0]]


def test_imagenet_weights_that_cannot_be_had_are_one_sentence(monkeypatch):
    timm = importlib.import_module("timm")

    def offline(*args, pretrained, **kwargs):
        assert pretrained
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ValueError, match=r"no route to host; connect once, pass the path"):
        create_model(TIMM, weights="imagenet")


@pytest.mark.parametrize("keep", [False, True])
def test_weights_of_the_whole_network(keep, tmp_path):
    transformers = importlib.import_module("transformers")
    torch.manual_seed(3)
    config = transformers.SegformerConfig(**SEGFORMER, num_labels=6)
    trained = transformers.SegformerForSemanticSegmentation(config).eval()
    trained.save_pretrained(tmp_path / "trained")
    model = create_model("hf:segformer", weights=tmp_path / "trained", keep_classifier=keep)
    images = random_images(64, 64)
    if keep:
        expected = trained(images).logits
        torch.testing.assert_close(model.eval()(images).logits, expected, rtol=1e-4, atol=1e-5)
    assert model.n_classes == (6 if keep else 0)
    for name, value in trained.segformer.state_dict().items():
        assert model.state_dict()[f"network.adapted.segformer.{name}"].equal(value)
    save_model(
        model if keep else grown(model, 2),
        tmp_path / "m.safetensors",
        class_names=[f"c{k}" for k in range(model.n_classes)],
    )
    loaded = load_model(tmp_path / "m.safetensors")  # Without the folder of the weights.
    assert loaded.predict(images).equal(model.predict(images))


def grown(model, n):
    model.grow(n)
    return model


def test_weights_of_the_backbone_alone(tmp_path):
    backbone = model_of(TIMM).body.state_dict()
    save_file(backbone | {"fc.weight": torch.zeros(3, 3)}, tmp_path / "b.safetensors")
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = create_model(TIMM, **BY_NAME[TIMM], weights=tmp_path / "b.safetensors")
    assert all(value.equal(backbone[name]) for name, value in model.body.state_dict().items())
    assert "weights" not in model.config
