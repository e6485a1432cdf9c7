import typing

import pytest

from avalanche_seg.benchmarks import (
    OLD_LABELS,
    SETTINGS,
    TEST_UNSEEN,
    TRAIN_VOID,
    options,
)
from avalanche_seg.benchmarks.options import check_options

CHOICES = {
    "setting": (SETTINGS, options.Setting),
    "old_labels": (OLD_LABELS, options.OldLabels),
    "train_void": (TRAIN_VOID, options.TrainVoid),
    "test_unseen": (TEST_UNSEEN, options.TestUnseen),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_those_of_the_type_and_all_pass(name):
    choices, type_ = CHOICES[name]
    assert choices == typing.get_args(type_)
    for value in choices:
        check_options(**{name: value})


@pytest.mark.parametrize("name", CHOICES)
def test_unknown_values_list_the_known_ones(name):
    known = ", ".join(CHOICES[name][0])
    with pytest.raises(ValueError, match=f"{name}='void' is unknown; expected one of {known}"):
        check_options(**{**{n: c[0][0] for n, c in CHOICES.items()}, name: "void"})
