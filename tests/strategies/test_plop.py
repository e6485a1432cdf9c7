"""PLOP and its relatives against the plain loop: three steps, double precision."""

from types import SimpleNamespace

import pytest
import torch

from avalanche_seg.plugins import FreezePlugin, PseudoLabelPlugin
from avalanche_seg.strategies import EWF, EWFPLOP, LGKD, PLOP, MiB
from tests.strategies import plain_loop as plain
from tests.strategies.plain_plop import Fusion, PlainLGKD, PlainPLOP
from tests.strategies.test_methods import assert_same_weights, mib, train
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


@pytest.mark.parametrize(("strategy_class", "objective"), [(EWF, mib), (EWFPLOP, PlainPLOP())])
def test_ewf_with_its_published_weights(three_steps, strategy_class, objective):
    expected = tiny_model(seed=2).double()
    plain.train_plainly(expected, three_steps, objective, penalty=Fusion(), balanced=True)
    assert_same_weights(train(in_double(strategy_class), three_steps).model, expected)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_ewf_at_the_ends_is_the_old_model_or_the_plain_method(three_steps, share):
    """m = 1 is MiB with resting old classifiers; m = 0 gives the old model back on old channels."""

    class Resting(MiB):
        def __init__(self, **options):
            super().__init__(**options)
            self.plugins.append(FreezePlugin(old_heads=True))

    fused = train(EWF, three_steps, fusion_share=share).model.state_dict()
    if share == 1.0:
        resting = train(Resting, three_steps).model.state_dict()
        assert all(value.equal(resting[name]) for name, value in fused.items())
    else:
        first = tiny_model(seed=2).double()
        plain.train_plainly(first, one_step(three_steps), mib, balanced=True)
        for name, value in first.state_dict().items():
            torch.testing.assert_close(fused[name], value, rtol=1e-8, atol=1e-10)


def one_step(benchmark):
    return SimpleNamespace(train_stream=benchmark.train_stream[:1])


def test_lgkd_with_its_default_weights(three_steps):
    expected = tiny_model(seed=2).double()
    plain.train_plainly(expected, three_steps, PlainLGKD(), balanced=True)
    assert_same_weights(train(in_double(LGKD), three_steps).model, expected)


def test_without_its_weights_lgkd_is_plop_bit_for_bit(three_steps):
    nothing = {"guided_old_weight": 0.0, "guided_new_weight": 0.0}
    state = train(in_double(LGKD), three_steps, **nothing).model.state_dict()
    plop = train(in_double(PLOP), three_steps).model.state_dict()
    assert all(value.equal(plop[name]) for name, value in state.items())
