from types import SimpleNamespace

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.metrics import LossTerms, loss_term_metrics
from avalanche_seg.plugins import SegmentationPlugin
from avalanche_seg.strategies import EWC, MiB
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


def test_means_by_term():
    metric = LossTerms()
    assert metric.result() == {}
    for value in (1.0, 3.0):
        terms = {"classification": torch.tensor(value), "kd": torch.tensor(2 * value)}
        metric.after_training_iteration(SimpleNamespace(loss_terms=terms))
    assert metric.result() == {"classification": 2.0, "kd": 4.0}
    metric.before_training_epoch(None)
    assert metric.result() == {}


@pytest.mark.parametrize(("strategy_class", "term"), [(MiB, "unkd"), (EWC, "penalty")])
def test_terms_are_emitted_and_those_of_the_loss_add_up_to_it(tmp_path, strategy_class, term):
    benchmark, losses = tiny_benchmark(tmp_path), []

    class Spy(SegmentationPlugin):
        def after_backward(self, strategy, **kwargs):
            losses.append(strategy.loss.item())

    strategy = strategy_class(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=2,
        plugins=[Spy()],
        evaluator=EvaluationPlugin(loss_term_metrics()),
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    losses.clear()
    emitted = strategy.train(benchmark.train_stream[1], eval_streams=[])
    means = emitted["LossTerms/train_phase/train_stream"]
    assert set(means) == {"classification", term}
    in_loss = [value for name, value in means.items() if name != "penalty"]
    assert sum(in_loss) == pytest.approx(sum(losses) / len(losses), rel=1e-5)
