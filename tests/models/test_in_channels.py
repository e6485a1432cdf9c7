"""Networks for images of other than three channels, with a mean and deviation of their own."""

import pytest
import torch
import torchvision

from avalanche_seg.models import BiSeNet, DeepLabV3, create_model, load_model, save_model
from avalanche_seg.normalization import IMAGENET, Normalization

STATISTICS = {
    1: {"mean": [0.3], "std": [0.2]},
    5: {"mean": [0.1, 0.2, 0.3, 0.4, 0.5], "std": [0.2, 0.2, 0.1, 0.1, 0.3]},
}


@pytest.mark.parametrize("name", ["bisenet", "deeplabv3"])
@pytest.mark.parametrize("in_channels", STATISTICS)
def test_a_model_and_its_file_normalise_by_their_own_numbers(tmp_path, in_channels, name):
    torch.manual_seed(0)
    own = STATISTICS[in_channels]
    options = {"backbone": "resnet18", "in_channels": in_channels, "classes_per_step": (3, 2)}
    model = create_model(name, **options, **own).eval()
    images = torch.randint(0, 256, (2, in_channels, 33, 40), dtype=torch.uint8)
    mean, std = (torch.tensor(own[name]).view(-1, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        logits = model(images).logits
        torch.testing.assert_close(logits, model((images / 255 - mean) / std).logits)
    path = tmp_path / "m.safetensors"
    save_model(model, path, class_names=list("abcde"))
    loaded = load_model(path)
    assert loaded.config == model.config and loaded.config["in_channels"] == in_channels
    assert loaded.normalization == Normalization(own["mean"], own["std"])
    assert torch.equal(loaded(images).logits, logits)
    assert loaded.predict(images).shape == (2, 33, 40)


def test_without_numbers_the_average_of_imagenets_counts():
    model = BiSeNet(in_channels=2)
    assert model.normalization.mean == pytest.approx((0.449, 0.449))
    assert model.normalization.std == pytest.approx((0.226, 0.226))


def test_three_channels_are_as_they_were():
    torch.manual_seed(0)
    plain = BiSeNet()
    torch.manual_seed(0)
    told = BiSeNet(in_channels=3, mean=IMAGENET.mean, std=IMAGENET.std)
    assert plain.config == told.config and "in_channels" not in plain.config
    assert all(
        torch.equal(a, b)
        for a, b in zip(plain.state_dict().values(), told.state_dict().values(), strict=True)
    )


def test_weights_of_colour_images_are_made_to_fit(tmp_path):
    resnet = torchvision.models.resnet18()
    torch.save(resnet.state_dict(), tmp_path / "r.pth")
    for network in (BiSeNet, DeepLabV3):
        model = network("resnet18", weights=tmp_path / "r.pth", in_channels=6)
        rgb, made = resnet.conv1.weight, model.body.stem[0].weight
        assert torch.equal(made[:, 3:], rgb * 0.5) and torch.equal(made[:, :3], rgb * 0.5)
        assert torch.equal(model.body.layer4[1].conv2.weight, resnet.layer4[1].conv2.weight)


def test_weights_of_a_whole_deeplabv3_are_made_to_fit(tmp_path):
    theirs = torchvision.models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None)
    torch.save(theirs.state_dict(), tmp_path / "d.pth")
    model = DeepLabV3("resnet50", weights=tmp_path / "d.pth", in_channels=1)
    rgb, made = theirs.backbone.conv1.weight, model.body.stem[0].weight
    assert torch.equal(made, rgb.sum(dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": 0}, "in_channels=0; expected"),
        ({"in_channels": 2.5}, "in_channels=2.5; expected"),
        ({"in_channels": 4, "mean": [0.1] * 3}, "mean has 3 numbers; expected 4"),
        ({"std": [0.1] * 4}, "std has 4 numbers; expected 3"),
        ({"std": [0.1, 0.0, 0.1]}, r"std\[1\]=0.0; expected"),
        ({"mean": [0.1, 113.0, 0.1]}, r"mean\[1\]=113.0; expected"),
    ],
)
def test_wrong_numbers_are_refused_by_name(options, message):
    for network in (BiSeNet, DeepLabV3):
        with pytest.raises(ValueError, match=message):
            network(**options)


def test_images_of_other_channels_are_refused():
    model = BiSeNet(in_channels=4, classes_per_step=(2,)).eval()
    with pytest.raises(ValueError, match=r"expected \.\.\. x 4 x H x W, the in_channels"):
        model(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
