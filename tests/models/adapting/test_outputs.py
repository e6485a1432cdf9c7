"""The logits in what networks return."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from avalanche_seg.models.adapting.outputs import dense_output

LOGITS, OTHER = torch.zeros(2, 5, 4, 4), torch.ones(2, 3, 4, 4)


@dataclass
class Output:
    logits: Tensor | None = None
    loss: Tensor | None = None


@pytest.mark.parametrize(
    "output",
    [
        LOGITS,
        OrderedDict(out=LOGITS, aux=OTHER),
        {"loss": OTHER, "logits": LOGITS},
        {"anything": LOGITS},
        Output(LOGITS),
        namedtuple("Named", "other logits")(OTHER, LOGITS),
        (LOGITS, OTHER),
        [{"out": LOGITS}],
    ],
    ids=lambda output: type(output).__name__,
)
def test_the_logits_are_found(output):
    assert dense_output(output) is LOGITS


@pytest.mark.parametrize(
    ("output", "got"),
    [
        ({"class_queries": LOGITS, "masks": OTHER}, "a dict with class_queries, masks"),
        (torch.zeros(2, 16, 5), r"a float32 tensor 2 x 16 x 5 \(tokens\?\)"),
        (torch.zeros(2, 4, 4, dtype=torch.int64), "an int64 tensor 2 x 4 x 4, which is no map"),
        (None, "returned None"),
        (Output(), "a Output"),
        ([], "a list"),
        (("text", 1), "a tuple that starts with a str"),
    ],
)
def test_what_is_no_map_of_logits_is_named(output, got):
    with pytest.raises(ValueError, match=rf"{got}.*; expected logits B x C x h x w: a tensor, a"):
        dense_output(output)
