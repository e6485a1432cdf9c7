import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models import fuse_weights
from tests.models.tiny import tiny_model


def moved(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.randn(value.shape, generator=generator))
    return model


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_every_old_tensor_is_fused_and_new_classifiers_are_not(share):
    model = tiny_model(3)
    previous = copy.deepcopy(model.state_dict())
    model.grow(2)
    model.network.norm.num_batches_tracked += 7
    moved(model, 1)
    trained = copy.deepcopy(model.state_dict())
    fuse_weights(model, previous, share)
    new = [name for name in trained if ".classifiers.1." in name]
    assert len(new) == 4 and "network.norm.running_var" in previous
    for name, value in model.state_dict().items():
        if name in new or name.endswith("num_batches_tracked"):
            assert value.equal(trained[name])
        elif share in (0.0, 1.0):
            assert value.equal(previous[name] if share == 0 else trained[name]), "bit for bit"
        else:
            expected = (1 - share) * previous[name].double() + share * trained[name].double()
            torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-6)


def test_rows_that_a_tensor_grew_by_stay():
    """As in heads that hold one weight for all classes, such as Avalanche's."""
    old, new = nn.Linear(2, 3), nn.Linear(2, 5)
    trained = new.weight.detach().clone()
    fuse_weights(new, old.state_dict(), 0.5)
    torch.testing.assert_close(new.weight[:3], (old.weight + trained[:3]) / 2)
    assert new.weight[3:].equal(trained[3:])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (nn.Linear(4, 3), r"'weight' is of \(3, 4\), and the model has one of \(3, 2\)"),
        (nn.Sequential(nn.Linear(2, 3)), r"'0.weight' .* the model has no such tensor"),
    ],
)
def test_a_model_that_did_not_grow_from_it_is_refused(other, message):
    with pytest.raises(ValueError, match=message):
        fuse_weights(nn.Linear(2, 3), other.state_dict(), 0.5)
