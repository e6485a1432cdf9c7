"""What does not fit is named, and nothing is changed by half (see also test_backbones.py)."""

import pytest
import torch

from avalanche_seg.models.weights import fit_weights, renamed

ONES = {"a.weight": torch.ones(2, 3), "b.bias": torch.ones(2)}


def zeros():
    return {key: torch.zeros_like(value) for key, value in ONES.items()}


def fit(wanted, state):
    fit_weights(wanted, state, path="file.pth", name="a network")


def test_all_tensors_are_taken():
    wanted = zeros()
    fit(wanted, ONES)
    assert all(torch.equal(wanted[key], ONES[key]) for key in ONES)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"a.weight": ONES["a.weight"]},
            r"1 keys differ, the first is b\.bias, which is miss",
        ),
        (
            {**ONES, "a.bias": torch.ones(2)},
            r"1 keys differ, the first is a\.bias, which is n",
        ),
        ({}, r"2 keys differ, the first is a\.weight, which is missing"),
        (
            {"a.weight": torch.ones(2, 4), "b.bias": torch.ones(3)},
            r"2 of 2 weights have another shape, the first is 'a\.weight': \(2, 4\), not \(2, 3\)",
        ),
        ({**ONES, "b.bias": "text"}, r"1 of 2 weights .*'b\.bias': \(\), not \(2,\)"),
    ],
)
def test_what_differs_is_named_and_counted_and_nothing_changes(state, message):
    wanted = zeros()
    with pytest.raises(ValueError, match=rf"^file\.pth does not fit a network: {message}"):
        fit(wanted, state)
    assert not any(value.any() for value in wanted.values())


def test_only_the_first_prefix_of_a_name_changes():
    state = dict.fromkeys(["a.x.a.", "ab", "c.a."], torch.zeros(1))
    assert list(renamed(state, {"a.": "z."})) == ["z.x.a.", "ab", "c.a."]
