"""Any network as an incremental model."""

import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models import (
    BiSeNet,
    as_incremental,
    balanced_classifier_init,
    load_model,
    save_model,
)
from avalanche_seg.normalization import normalize_images
from tests.adapted import FOREIGN, Plain
from tests.models.tiny import random_images


def plain(*arguments, **options):
    torch.manual_seed(0)
    return Plain(*arguments, **options)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_kept_classifier_gives_the_networks_own_output(name):
    torch.manual_seed(0)
    make, options = FOREIGN[name]
    network = make().eval()
    before = copy.deepcopy(network.state_dict())
    model = as_incremental(network, keep_classifier=True, **options).eval()
    assert model.classes_per_step == [4] and model.n_classes == 4
    images = random_images(64, 48)
    expected = network(images)
    expected = expected if isinstance(expected, torch.Tensor) else expected["out"]
    logits = nn.functional.interpolate(model(images).logits, (64, 48), mode="bilinear")
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    assert model.predict(images).equal(expected.argmax(1))
    assert all(value.equal(before[key]) for key, value in network.state_dict().items())
    assert not any(parameter.grad is not None for parameter in network.parameters())


def test_the_copy_shares_nothing_with_the_network():
    network = plain()
    model = as_incremental(network, classes_per_step=(3,))
    model(random_images(16, 16)).logits.sum().backward()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert isinstance(network.classifier, nn.Conv2d)


def test_bytes_are_normalised_before_the_network():
    model = as_incremental(plain(), classes_per_step=(3,)).eval()
    images = torch.randint(256, (2, 3, 16, 16), dtype=torch.uint8)
    assert torch.equal(model(images).logits, model(normalize_images(images)).logits)


def test_auxiliary_heads_are_for_training():
    model = as_incremental(plain("aux"), aux="aux", keep_classifier=True)
    network = plain("aux").train()
    images = random_images(16, 16)
    (aux,) = model(images).aux
    torch.testing.assert_close(aux, network(images)["aux"])
    assert model.eval()(images).aux == ()


def test_taps_are_features():
    model = as_incremental(plain(), taps={"early": "first"}, classes_per_step=(3,)).eval()
    images = random_images(16, 16)
    features = model(images).features
    assert features.keys() == {"early", "head"}
    assert torch.equal(features["early"], plain().eval().first(images))
    model.taps = ["head"]
    assert model(images).features.keys() == {"head"}


def test_heads_are_like_the_classifier_unless_told_otherwise():
    own = as_incremental(plain(kernel=3), classes_per_step=(3, 2))
    assert [tuple(c.weight.shape) for c in own.head.classifiers] == [(3, 8, 3, 3), (2, 8, 3, 3)]
    other = as_incremental(plain(kernel=3), head="1x1", n_extra=1, classes_per_step=(3,))
    assert other.head.classifiers[1].weight.shape == (3, 8, 1, 1)
    assert other.n_channels == 4
    images = random_images(16, 16)
    logits = own(images).logits
    maps = own(images).features["head"]
    single = torch.cat([classifier(maps) for classifier in own.head.classifiers], dim=1)
    torch.testing.assert_close(logits, single)


def test_a_3x3_head_is_initialised_by_its_background():
    model = as_incremental(plain(kernel=3), classes_per_step=(3,))
    model.head.init_new = balanced_classifier_init
    model.eval()
    images = random_images(16, 16)
    before = model(images).logits.softmax(1)
    model.grow(2)
    after = model(images).logits.softmax(1)
    torch.testing.assert_close(after[:, 1:3], before[:, 1:])
    torch.testing.assert_close(after[:, 4], before[:, 0] / 3)


def test_roles_know_the_backbone():
    model = as_incremental(plain(), body="first", classes_per_step=(3, 2))
    roles = {role: len(found) for role, found in model.parameter_roles().items()}
    assert roles == {"body": 4, "neck": 4 + 2, "extra": 0, "background": 0, "old": 2, "new": 2}
    assert model.frozen == ("network.adapted.aux.weight", "network.adapted.aux.bias")


def test_heads_have_the_networks_type():
    model = as_incremental(plain().double(), classes_per_step=(3,))
    assert model(random_images(16, 16).double()).logits.dtype == torch.float64


def test_a_file_is_read_around_the_network(tmp_path):
    model = as_incremental(
        plain("aux", kernel=3),
        aux=["aux"],
        taps={"early": "first"},
        example=(2, 3, 32, 32),
        n_extra=1,
        background="separate",
        classes_per_step=(3, 2),
    )
    path = tmp_path / "m.safetensors"
    save_model(model, path, class_names=list("abcde"))
    torch.manual_seed(5)
    network = Plain("aux", kernel=3)
    loaded = load_model(path, network=network)
    assert loaded.config == model.config and loaded.classes_per_step == [3, 2]
    images = random_images(16, 16)
    assert torch.equal(loaded(images).logits, model.eval()(images).logits)

    with pytest.raises(
        ValueError, match=r"m.safetensors: it holds a Plain .*load_model\(path, netw"
    ):
        load_model(path)
    with pytest.raises(ValueError, match=r"10 of 30 weights have another shape, the first is .*'"):
        load_model(path, network=_wider())


def _wider():
    network = Plain("aux", kernel=3)
    network.second[0] = nn.Conv2d(6, 9, 3, stride=2, padding=1)
    network.second[1] = nn.BatchNorm2d(9)
    network.classifier = nn.Conv2d(9, 4, 3, padding=1)
    return network


def test_a_file_that_needs_no_network_says_so(tmp_path):
    model = BiSeNet(classes_per_step=(2,))
    save_model(model, tmp_path / "b.safetensors", class_names=["a", "b"])
    with pytest.raises(ValueError, match="holds a bisenet, which needs no network"):
        load_model(tmp_path / "b.safetensors", network=Plain())


@pytest.mark.parametrize(
    ("network", "options", "told"),
    [
        ("unet", {}, "network='unet'; expected a module that returns logits"),
        (BiSeNet, {}, "network is a BiSeNet, whose heads grow already"),
        (Plain, {"classifier": "clasifier"}, "classifier: .* 'clasifier'; the nearest are 'classi"),
        (Plain, {"classifier": []}, r"classifier=\[\]; expected one path or more"),
        (Plain, {"classifier": "second.0"}, r"classifier 'second.0' is Conv2d.*stride=\(2, 2\)"),
        (Plain, {"classifier": "aux"}, r"does not run with one channel|does not call 'aux'"),
        (Plain, {"aux": ["aux"]}, "does not call 'aux', whose map is wanted"),
        (Plain, {"taps": {"x": "secnd"}}, "taps: .* 'secnd'; the nearest are 'second'"),
        (Plain, {"taps": ["second"]}, r"taps=\['second'\]; expected a dict"),
        (Plain, {"body": "fist"}, "body: .* 'fist'; the nearest are 'first'"),
        (Plain, {"head": "5x5"}, "head='5x5' is unknown; expected one of 1x1, 3x3"),
        (Plain, {"multiple_of": 0}, "multiple_of=0; expected"),
        (Plain, {"keep_classifier": 1}, "keep_classifier=1; expected True or False"),
        (Plain, {"keep_classifier": True, "n_extra": 1}, "needs head='own', n_extra=0"),
        (Plain, {"classes_per_step": (0,)}, r"classes_per_step\[0\]=0"),
    ],
)
def test_bad_arguments_are_named(network, options, told):
    with pytest.raises(ValueError, match=told):
        as_incremental(network() if callable(network) else network, **options)


class Two(nn.Module):
    """Adds two classifiers, the second scaled or of another kernel."""

    def __init__(self, scale=1.0, kernel=1):
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.a, self.b = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, kernel, padding=kernel // 2)
        self.scale = scale

    def forward(self, images):
        maps = self.body(images).relu()
        return self.a(maps) + self.scale * self.b(maps)


def test_two_classifiers_that_add_up_are_one():
    torch.manual_seed(0)
    network = Two().eval()
    model = as_incremental(network, keep_classifier=True).eval()
    assert model.config["classifier"] == ["a", "b"]
    images = random_images(16, 16)
    torch.testing.assert_close(model(images).logits, network(images))


@pytest.mark.parametrize(
    ("network", "options", "told"),
    [
        (Two(kernel=3), {}, "the classifiers 'a', 'b' differ in kernel or channels"),
        (Two(scale=0.5), {}, "'a' applied to the tapped map .* no resize makes"),
        (Two(), {"classifier": "a"}, "'a' applied to the tapped map .* no resize makes"),
    ],
    ids=["kernels", "scaled", "one of two"],
)
def test_two_candidates_that_are_no_sum_are_refused(network, options, told):
    with pytest.raises(ValueError, match=told):
        as_incremental(network, **options)


def test_auxiliary_channels_must_be_the_networks_own_to_be_kept():
    network = plain("aux")
    network.aux = nn.Conv2d(6, 7, 1)
    with pytest.raises(ValueError, match="auxiliary classifier has 7 channels and the main one 4"):
        as_incremental(network, aux=["aux"], keep_classifier=True)


def test_a_network_for_four_channels_has_their_mean_and_deviation(tmp_path):
    network = plain()
    network.first[0] = nn.Conv2d(4, 6, 3, stride=2, padding=1)
    with pytest.raises(ValueError, match=r"in_channels=\.\.\. for one that takes other than three"):
        as_incremental(network)
    model = as_incremental(network, in_channels=4, mean=[0.5] * 4, std=[0.25] * 4)
    model.grow(2)
    pixels = torch.randint(0, 256, (2, 4, 16, 16), dtype=torch.uint8)
    scaled = (pixels / 255 - 0.5) / 0.25
    torch.testing.assert_close(model.eval()(pixels).logits, model(scaled).logits)
    save_model(model, tmp_path / "m.safetensors", class_names="ab")
    loaded = load_model(tmp_path / "m.safetensors", network=network)
    assert loaded.normalization == model.normalization
    assert loaded.predict(pixels).equal(model.predict(pixels))
