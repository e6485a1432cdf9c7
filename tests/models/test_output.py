import copy
import pickle
from collections import OrderedDict

import pytest
import torch

from avalanche_seg.models import SegmentationOutput, as_output
from avalanche_seg.models.output import told


def full():
    taps = {"layer1": torch.ones(1, 4), "head": torch.ones(1, 5)}
    return SegmentationOutput(torch.ones(1, 2), (torch.ones(1, 3), torch.ones(2, 3)), taps)


def test_map_reaches_every_tensor():
    output = full()
    doubled = output.map(lambda tensor: 2 * tensor.double())
    assert isinstance(doubled, SegmentationOutput)
    tensors = [doubled.logits, *doubled.aux, *doubled.features.values()]
    assert [tuple(tensor.shape) for tensor in tensors] == [(1, 2), (1, 3), (2, 3), (1, 4), (1, 5)]
    assert all(tensor.dtype == torch.float64 and tensor.eq(2).all() for tensor in tensors)
    assert list(doubled.features) == ["layer1", "head"]
    assert output.logits.eq(1).all() and output.features["head"].eq(1).all()


def test_map_of_logits_alone():
    assert SegmentationOutput(torch.ones(1)).map(torch.neg)[1:] == ((), {})


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_outputs_can_be_copied_and_sent(copied):
    assert torch.equal(copied(full()).features["layer1"], full().features["layer1"])


def test_as_output_takes_logits_and_outputs():
    logits, output = torch.ones(1, 2, 3, 4), full()
    assert as_output(output) is output
    assert as_output(logits).logits is logits
    assert as_output(logits)[1:] == ((), {})


@pytest.mark.parametrize("output", [OrderedDict(out=torch.ones(1)), (torch.ones(1),), None])
def test_other_outputs_are_named(output):
    kind = "None" if output is None else f"an? {type(output).__name__} .*"
    with pytest.raises(TypeError, match=rf"returned {kind}; expected .* or a Seg.*as_incremental"):
        as_output(output)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (None, "None"),
        (torch.zeros(2, 5, dtype=torch.int64), "an int64 tensor 2 x 5"),
        ((torch.zeros(2, 5), 1), "a tuple that starts with a float32 tensor 2 x 5"),
        (OrderedDict(a=1, b=2), "a OrderedDict with a, b"),
        ("text", "a str"),
    ],
)
def test_outputs_in_words(output, words):
    assert told(output) == words
