"""Maps read inside a network."""

import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models.adapting.taps import InputTap, module_at, put, take, tap_output


def test_an_input_tap_remembers_once():
    tap, maps = InputTap(nn.Conv2d(8, 4, 3, padding=1)), torch.ones(2, 8, 3, 5, requires_grad=True)
    zeros = tap(maps)
    assert zeros.shape == (2, 1, 3, 5) and not zeros.any() and not zeros.requires_grad
    assert take(tap) is maps
    assert take(tap) is None
    assert (tap.in_channels, tap.kernel_size, tap.stride) == (8, (3, 3), (1, 1))


def test_the_hook_of_a_copy_writes_into_the_copy():
    module = nn.Conv2d(3, 2, 1)
    tap_output(module)
    other = copy.deepcopy(module)
    output = other(torch.ones(1, 3, 2, 2))
    assert take(module) is None
    assert take(other) is output


def test_modules_are_found_and_replaced_by_path():
    network = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Dropout()), nn.ReLU())
    assert module_at(network, "0.1", "taps") is network[0][1]
    put(network, "0.1", nn.Identity())
    assert isinstance(network[0][1], nn.Identity)
    put(network, "1", nn.Identity())
    assert isinstance(network[1], nn.Identity)


def test_an_unknown_path_names_the_nearest_first():
    network = nn.ModuleDict({"backbone": nn.Sequential(nn.ReLU(), nn.ReLU()), "head": nn.ReLU()})
    for path in ("backbone.2", "", 3):
        with pytest.raises(ValueError, match=r"body: the network has no module .*nearest are '"):
            module_at(network, path, "body")
    with pytest.raises(ValueError, match="the nearest are 'head', "):
        module_at(network, "haed", "classifier")
