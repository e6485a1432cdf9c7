import pytest

from avalanche_seg.plugins import PeriodicEvalPlugin, SegmentationPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


class EvalSpy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.n_batches, self.evaluated_after = 0, []

    def before_training_iteration(self, strategy, **kwargs):
        self.n_batches += 1

    def after_eval_exp(self, strategy, **kwargs):
        self.evaluated_after.append(self.n_batches)


@pytest.mark.parametrize(
    ("eval_every", "mode", "expected"),
    [
        (-1, "epoch", []),
        (0, "epoch", [5]),
        (1, "epoch", [1, 2, 3, 4, 5]),
        (2, "epoch", [2, 4, 5]),
        (5, "epoch", [5]),
        (2, "iteration", [2, 4, 5]),
        (1, "iteration", [1, 2, 3, 4, 5]),
    ],
)
def test_evaluates_after_every_kth_and_after_the_step(tmp_path, eval_every, mode, expected):
    """One batch an epoch, so epochs and iterations count alike."""
    benchmark = tiny_benchmark(tmp_path)
    spy = EvalSpy()
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=100,
        train_epochs=5,
        eval_mb_size=20,
        eval_every=eval_every,
        peval_mode=mode,
        plugins=[spy],
        evaluator=None,
    )
    experience = benchmark.train_stream[0]
    strategy.train(experience, eval_streams=[benchmark.test_stream[:1]])
    assert spy.evaluated_after == expected


def test_unknown_mode_lists_the_known_ones():
    with pytest.raises(ValueError, match="epoch or iteration"):
        PeriodicEvalPlugin(1, "week")
