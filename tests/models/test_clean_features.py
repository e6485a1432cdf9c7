import torch
from torch import nn

from avalanche_seg.models import DenseFeatures, clean_features


class Network(nn.Module):
    def __init__(self, inner=0.0, last=0.0):
        super().__init__()
        self.inner, self.last = nn.Dropout(inner), nn.Dropout(last)

    def forward(self, images):
        return DenseFeatures(self.last(2 * self.inner(images)))


def watched(network, images):
    watch = clean_features(network)
    main = network(images).main
    return watch.stop(), main


def test_in_front_of_dropout_that_is_the_last_layer():
    torch.manual_seed(0)
    images, network = torch.ones(1, 3, 4, 4), Network(last=0.5)
    clean, main = watched(network, images)
    assert clean.dropped and clean.features.equal(2 * images) and not main.equal(2 * images)
    assert not network._forward_hooks and not network.last._forward_hooks


def test_without_active_dropout_it_is_the_map_itself():
    clean, main = watched(nn.Module.eval(Network(0.5, 0.5)), torch.ones(1, 3, 4, 4))
    assert clean.features is main and not clean.dropped


def test_dropout_within_stays_in_it():
    torch.manual_seed(0)
    clean, _ = watched(Network(inner=0.5, last=0.5), torch.ones(1, 3, 4, 4))
    assert clean.features.unique().tolist() == [0.0, 4.0] and clean.dropped
