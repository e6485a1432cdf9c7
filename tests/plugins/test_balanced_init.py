import math

import torch

from avalanche_seg.plugins import BalancedInitPlugin, SegmentationPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


class HeadSpy(SegmentationPlugin):
    """The heads as training on a step starts."""

    def __init__(self):
        super().__init__()
        self.heads = []

    def before_training_exp(self, strategy, **kwargs):
        self.heads.append(
            [
                [layer.bias.detach().clone() for layer in head.classifiers]
                for head in strategy.model.heads
            ]
        )


def test_every_head_starts_a_step_with_the_background_shared_evenly(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    spy, model = HeadSpy(), tiny_model()
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        train_mb_size=4,
        plugins=[BalancedInitPlugin(), spy],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    trained = [head.classifiers[0].bias.detach().clone() for head in model.heads]
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    for before, (old, new) in zip(trained, spy.heads[1], strict=True):
        share = before[0] - math.log(5 + 1)
        torch.testing.assert_close(old[0], share)
        torch.testing.assert_close(new, share.expand(5))
        assert old[1:].equal(before[1:])


def test_training_again_on_the_same_step_initialises_nothing(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    spy, model = HeadSpy(), tiny_model()
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        train_mb_size=4,
        plugins=[BalancedInitPlugin(), spy],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    trained = [[layer.bias.detach().clone() for layer in head.classifiers] for head in model.heads]
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    for head, biases in zip(trained, spy.heads[-1], strict=True):
        assert all(a.equal(b) for a, b in zip(head, biases, strict=True))
