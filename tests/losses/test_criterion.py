"""What holds for every Module of a loss with a label map."""

import inspect

import pytest

from avalanche_seg import losses
from avalanche_seg.losses.criterion import LabelCriterion

CRITERIA = [
    losses.AnnotatedCrossEntropy,
    losses.BinaryCrossEntropy,
    losses.CrossEntropy,
    losses.MiBLoss,
    losses.UnbiasedCrossEntropy,
]


@pytest.mark.parametrize("module", CRITERIA)
def test_the_literatures_mean_is_the_default_and_options_are_keywords(module):
    criterion = module()
    assert (criterion.reduction, criterion.ignore_index) == ("mean_all", 255)
    kinds = {parameter.kind for parameter in inspect.signature(module).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(ValueError, match=r"'median' is unknown.*mean, mean_all, sum, none"):
        module(reduction="median")


@pytest.mark.parametrize("module", CRITERIA)
def test_it_resizes_logits_itself(module):
    assert issubclass(module, LabelCriterion)
    assert module.resizes_logits


@pytest.mark.parametrize(
    "function", [f for name, f in vars(losses).items() if inspect.isfunction(f)]
)
def test_functions_have_the_same_default(function):
    parameter = inspect.signature(function).parameters.get("reduction")
    assert parameter is None or parameter.default == "mean_all"
