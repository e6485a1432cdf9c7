"""PLOP and its relatives against the plain loop: three steps, double precision."""

import pytest
import torch

from avalanche_seg.plugins import PseudoLabelPlugin
from avalanche_seg.strategies import PLOP
from tests.strategies import plain_loop as plain
from tests.strategies.plain_plop import PlainPLOP
from tests.strategies.test_methods import assert_same_weights, train
from tests.tiny import tiny_benchmark, tiny_model


def in_double(strategy_class):
    """Batches in double precision, those of the pass before a step too."""

    class InDouble(strategy_class):
        def _unpack_minibatch(self):
            super()._unpack_minibatch()
            self.mbatch[0] = self.mbatch[0].double()

    return InDouble


@pytest.fixture(scope="module")
def three_steps(tmp_path_factory):
    root = tmp_path_factory.mktemp("plop")
    return tiny_benchmark(root, task="10-5", train_void="ignore")


class Unbalanced(PLOP):
    """Without the initialisation after which log-sum-exp differs from the teacher by rounding."""

    def __init__(self, **options):
        super().__init__(**options)
        del self.plugins[0]


@pytest.mark.parametrize(
    ("strategy_class", "options"),
    [
        (PLOP, {}),
        (PLOP, {"pod_weight": 3.0, "pod_logits_weight": 0.7}),
        (Unbalanced, {"extra_channels": "lse", "pod_logits_weight": 0.1}),
    ],
)
def test_plop_with_its_published_weights(three_steps, strategy_class, options):
    named = {"pod_weight": 0.01, "pod_logits_weight": 5e-4, "extra_channels": "sum"} | options
    factors = (named["pod_weight"], named["pod_logits_weight"])
    reference = PlainPLOP(extra_channels=named["extra_channels"], factors=factors)
    expected = tiny_model(seed=2).double()
    balanced = strategy_class is PLOP
    plain.train_plainly(expected, three_steps, reference, balanced=balanced)
    strategy = train(in_double(strategy_class), three_steps, **options)
    labels = next(p for p in strategy.plugins if isinstance(p, PseudoLabelPlugin))
    torch.testing.assert_close(labels.thresholds, reference.thresholds, rtol=1e-9, atol=0)
    assert_same_weights(strategy.model, expected)
