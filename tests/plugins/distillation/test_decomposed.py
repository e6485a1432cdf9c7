"""DKD's distillation as a plugin of any strategy."""

import pytest
import torch

from avalanche_seg.plugins import DecomposedDistillationPlugin, SegmentationPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


class Terms(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.names = {}

    def before_backward(self, strategy, **kwargs):
        self.names[strategy.experience.current_experience] = set(strategy.loss_terms)


def test_it_adds_its_term_at_later_steps_and_leaves_the_taps_as_they_were(tmp_path):
    model, terms = tiny_model(), Terms()
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        train_mb_size=4,
        evaluator=None,
        plugins=[DecomposedDistillationPlugin(2.0), terms],
    )
    strategy.train(tiny_benchmark(tmp_path).train_stream, eval_streams=[])
    assert terms.names == {0: {"classification"}, 1: {"classification", "dkd"}}
    assert model.taps == {"head"}
    assert all(p.isfinite().all() for p in model.parameters())


def test_a_model_without_the_parts_is_refused_before_step_0(tmp_path):
    strategy = FineTuning(
        model=torch.nn.Conv2d(3, 21, 1),
        optimizer=sgd(0.01),
        train_mb_size=4,
        evaluator=None,
        plugins=[DecomposedDistillationPlugin()],
    )
    with pytest.raises(ValueError, match=r"needs 'head\+'|Conv2d has"):
        strategy.train(tiny_benchmark(tmp_path).train_stream[0], eval_streams=[])
