"""What is taken out of a network must be what it computes."""

import pytest
from torch import nn

from avalanche_seg.models.adapting.checks import check_exact, freeze_unused, tapped_maps
from avalanche_seg.models.adapting.network import TappedNetwork
from avalanche_seg.models.adapting.taps import TapError
from tests.adapted import Plain
from tests.models.tiny import feature_maps, random_images

CLASSIFIER = nn.Conv2d(4, 5, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "bilinear"},
        {"mode": "bilinear", "align_corners": True},
        {"mode": "bicubic"},
        {"mode": "nearest"},
    ],
    ids=str,
)
def test_every_way_of_resizing_is_recognised(options):
    maps = feature_maps(size=(5, 7))
    logits = nn.functional.interpolate(CLASSIFIER(maps), (20, 28), **options).detach()
    check_exact(maps, CLASSIFIER, logits, "'head'")


def test_small_logits_are_compared_as_closely():
    maps = 1e-5 * feature_maps(size=(5, 7))
    classifier = nn.Conv2d(4, 5, 1, bias=False)
    logits = classifier(maps).detach()
    check_exact(maps, classifier, logits, "'head'")
    with pytest.raises(ValueError, match="no resize makes"):
        check_exact(maps, classifier, logits.flip(-1), "'head'")


@pytest.mark.parametrize(
    "change",
    [
        lambda logits: logits[..., 3:, 2:],
        lambda logits: logits * 1.01,
        lambda logits: logits * 1e-4,
        lambda logits: logits.flip(-1),
        lambda logits: logits[:, :4],
    ],
)
def test_anything_else_is_refused(change):
    maps = feature_maps(size=(5, 7))
    logits = change(nn.functional.interpolate(CLASSIFIER(maps), (20, 28), mode="bilinear"))
    with pytest.raises(ValueError, match=r"'head' applied to the tapped map \(2, 4, 5, 7\) gives"):
        check_exact(maps, CLASSIFIER, logits.detach(), "'head'")


def test_parameters_without_a_gradient_are_frozen():
    network = TappedNetwork(Plain(), ["classifier"])
    state = {name: value.clone() for name, value in network.state_dict().items()}
    assert freeze_unused(network, random_images(16, 16, batch=1)) == [
        "adapted.aux.weight",
        "adapted.aux.bias",
    ]
    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    assert frozen == ["adapted.aux.weight", "adapted.aux.bias"]
    assert all(value.equal(state[name]) for name, value in network.state_dict().items())
    trained = TappedNetwork(Plain("aux"), ["classifier"], aux=["aux"])
    assert freeze_unused(trained, random_images(16, 16)) == []


def test_a_tap_that_is_overwritten_is_refused():
    layers = [nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 1)]
    network = TappedNetwork(nn.Sequential(*layers), ["3"], taps={"norm": "1"})
    with pytest.raises(TapError, match="what '1' returns is changed in place by a layer after it"):
        tapped_maps(network, random_images(8, 8))


def test_a_network_that_needs_all_channels_is_refused():
    class Views(nn.Sequential):
        def forward(self, images):
            return super().forward(images).view(len(images), 5, -1, images.shape[-1])

    network = TappedNetwork(Views(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)), ["1"])
    with pytest.raises(ValueError, match=r"Views does not run with one channel of zeros .* '1'"):
        tapped_maps(network, random_images(8, 7))


def test_a_network_that_cannot_train_is_refused():
    class Labels(Plain):
        def forward(self, images):
            if self.training:
                raise TypeError("labels are missing")
            return super().forward(images)

    network = TappedNetwork(Labels(), ["classifier"])
    with pytest.raises(ValueError, match=r"does not run in training mode .*: labels are missing"):
        freeze_unused(network, random_images(16, 16))
