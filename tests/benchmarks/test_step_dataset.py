"""Steps are not joined: their label maps hide each other's classes."""

import pytest
import torch
from avalanche.training.supervised import Cumulative, JointTraining

from avalanche_seg.losses import CrossEntropy
from tests.tiny import tiny_benchmark, tiny_model


class OnLogits(torch.nn.Module):
    def forward(self, output, target):
        return CrossEntropy()(output.logits, target.long())


@pytest.mark.parametrize("strategy_class", [JointTraining, Cumulative])
def test_avalanches_strategies_that_join_steps_are_told_what_to_use(strategy_class, tmp_path):
    benchmark, model = tiny_benchmark(tmp_path), tiny_model()
    strategy = strategy_class(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        criterion=OnLogits(),
        train_mb_size=4,
        evaluator=None,
    )
    with pytest.raises(ValueError, match=r"data sets of two steps.*Joint.*task='offline'"):
        strategy.train(benchmark.train_stream, eval_streams=[])


def test_a_step_is_joined_with_a_memory(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    first, second = (experience.dataset for experience in benchmark.train_stream)
    memory = benchmark.train_stream[0].data.build().subset([0, 2])
    joined = second.concat(memory)
    assert len(joined) == len(second) + 2
    for (image, labels), expected in zip(
        [joined[len(second)], joined[len(second) + 1]], [first[0], first[2]], strict=True
    ):
        assert image.equal(expected[0]) and labels.equal(expected[1])
    assert list(joined.class_sets)[-2:] == [list(first.class_sets)[i] for i in (0, 2)]
