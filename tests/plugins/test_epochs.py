import pytest

from avalanche_seg.plugins import CheckpointPlugin, EpochsPlugin, PolyLRPlugin, SegmentationPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


class Rates(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.epochs, self.last = [], []

    def after_training_exp(self, strategy, **kwargs):
        self.epochs.append(strategy.clock.train_exp_epochs)
        self.last.append(strategy.optimizer.param_groups[0]["lr"])


def test_steps_have_their_epochs_and_the_schedule_ends_with_them(tmp_path):
    rates = Rates()
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01, 0.01),
        train_mb_size=4,
        train_epochs=7,
        plugins=[EpochsPlugin(2, 3), PolyLRPlugin(), rates, CheckpointPlugin(tmp_path / "c.pt")],
        evaluator=None,
    )
    for experience in tiny_benchmark(tmp_path, task="10-5").train_stream:
        strategy.train(experience, eval_streams=[])
    assert rates.epochs == [2, 3, 3]
    assert all(rate < 0.005 for rate in rates.last)


def test_wrong_numbers_are_named():
    for name, pair in (("first", (-1, 2)), ("later", (2, 1.5))):
        with pytest.raises(ValueError, match=name):
            EpochsPlugin(*pair)
