"""EWC, PI and RW on a device: a sweep in few kernels gives the CPU's importances and gradients."""

import pytest
import torch
from torch import nn

from avalanche_seg.plugins.importance import QuadraticPenalty
from avalanche_seg.plugins.importance.statistics import (
    EWCImportance,
    PIImportance,
    RWImportance,
)
from tests.cuda.comparing import assert_same

pytestmark = pytest.mark.cuda


def network(device, channels_last):
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1)).double()
    return made.to(device, memory_format=torch.channels_last if channels_last else None)


def two_steps(make, device, channels_last):
    """Weights, importances and the penalty's value after two steps of made-up gradients."""
    model, penalty, importance = network(device, channels_last), QuadraticPenalty(), make()
    parameters = dict(model.named_parameters())
    generator, values = torch.Generator().manual_seed(1), []
    for _ in range(2):
        importance.begin_step(parameters)
        for _ in range(5):
            for parameter in parameters.values():
                made = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.grad = made.to(device) + parameter.detach() * 0  # In the weight's format.
            values.append(penalty.add_gradient(parameters, 3.0, importance=importance))
            with torch.no_grad():
                for parameter in parameters.values():
                    parameter -= 0.05 * parameter.grad
        with torch.no_grad():
            penalty.anchor(parameters, importance.end_step(parameters))
    return {k: p.detach() for k, p in parameters.items()}, penalty.importances, torch.stack(values)


@pytest.mark.parametrize("make", [EWCImportance, PIImportance, lambda: RWImportance(interval=2)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_two_steps(make, channels_last, device):
    expected = two_steps(make, torch.device("cpu"), channels_last)
    found = two_steps(make, device, channels_last)
    for ours, theirs in zip(found[:2], expected[:2], strict=True):
        assert ours.keys() == theirs.keys() and len(ours) == 6
        for name, value in ours.items():
            assert_same(value, theirs[name], device, rtol=1e-6, atol=1e-9)
    assert_same(found[2], expected[2], device, rtol=1e-6, atol=1e-9)
    assert found[2][0] == 0 and found[2][-1] > 0
