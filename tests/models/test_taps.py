import pytest
from torch import nn

from avalanche_seg.models.taps import checked_taps


def test_one_name_is_enough_and_unknown_ones_are_listed():
    network = nn.Identity()
    network.tap_names = ("layer1",)
    assert checked_taps(network, "layer1") == {"layer1"}
    assert checked_taps(network, ["head-", "head"]) == {"head", "head-"}
    with pytest.raises(ValueError, match=r"taps 'x' are unknown.* head, layer1, head\+, head-"):
        checked_taps(network, ["x", "head"])
