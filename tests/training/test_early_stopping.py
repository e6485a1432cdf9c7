"""Avalanche's EarlyStoppingPlugin in our loop: every step for itself."""

import pytest
import torch
from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue
from avalanche.training.plugins import EarlyStoppingPlugin, EvaluationPlugin

from avalanche_seg.plugins import CheckpointPlugin, SegmentationPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:Metric Score used by")


class Script(PluginMetric):
    """Emits made-up scores, one an evaluation, under the name of the step evaluated."""

    def __init__(self, *scores):
        super().__init__()
        self.scores = list(scores)

    def reset(self):
        pass

    def result(self):
        return None

    def after_eval_exp(self, strategy):
        step = strategy.experience.current_experience
        name = f"Score/eval_phase/test_stream/Exp{step:03d}"
        return [MetricValue(self, name, self.scores.pop(0), 0)]


class Notes(SegmentationPlugin):
    """The weights at every evaluation, and what was trained."""

    def __init__(self):
        super().__init__()
        self.weights, self.trained = {}, []

    def before_eval_exp(self, strategy, **kwargs):
        step = strategy.experience.current_experience
        weight = strategy.model.network.first.weight.detach().clone()
        self.weights.setdefault(step, []).append(weight)

    def after_training_epoch(self, strategy, **kwargs):
        self.trained.append(strategy.experience.current_experience)


def make(scores, *more, patience=1, mode="epoch", epochs=6, name="Score", **options):
    torch.manual_seed(0)
    notes = Notes()
    arguments = {
        "model": tiny_model(),
        "optimizer": sgd(0.05),
        "train_mb_size": 5,
        "eval_mb_size": 20,
        "train_epochs": epochs,
        "eval_every": 1,
        "peval_mode": mode,
        "evaluator": EvaluationPlugin(Script(*scores), loggers=[]),
        "plugins": [
            EarlyStoppingPlugin(patience, "test_stream", name, peval_mode=mode),
            notes,
            *more,
        ],
    }
    return FineTuning(**(arguments | options)), notes


def weight_of(strategy):
    return strategy.model.network.first.weight


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("early"))


def train(strategy, benchmark, steps=(0, 1)):
    for step in steps:
        strategy.train(benchmark.train_stream[step], eval_streams=[[benchmark.test_stream[step]]])


def test_a_step_that_never_reaches_the_one_before_trains_on(benchmark):
    strategy, notes = make([0.8, 0.9, 0.7, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    train(strategy, benchmark)
    assert notes.trained == [0] * 3 + [1] * 6
    assert weight_of(strategy).equal(notes.weights[1][-1])


@pytest.mark.parametrize(
    ("scores", "patience", "trained", "best"),
    [
        ((0.5, 0.1, 0.2, 0.15), 1, 3, 1),
        ((0.5, 0.3, 0.2, 0.1), 2, 3, 0),
        ((0.5, 0.1, 0.4, 0.3, 0.35, 0.2), 3, 5, 1),
    ],
)
def test_it_stops_after_its_patience_with_the_best_weights_of_the_step(
    scores, patience, trained, best, benchmark
):
    strategy, notes = make(scores, patience=patience, epochs=1)
    train(strategy, benchmark, [0])
    strategy.train_epochs = 9
    train(strategy, benchmark, [1])
    assert notes.trained == [0] + [1] * trained
    assert weight_of(strategy).equal(notes.weights[1][best])
    assert not weight_of(strategy).equal(notes.weights[0][-1])


def test_both_steps_in_one_call_and_the_values_of_all_are_kept(benchmark):
    strategy, notes = make([0.8, 0.7, 0.3, 0.5, 0.4], epochs=5)
    strategy.train(benchmark.train_stream, eval_streams=[benchmark.test_stream[:1]])
    assert notes.trained == [0, 0, 1, 1, 1]
    kept = strategy.evaluator.get_all_metrics()["Score/eval_phase/test_stream/Exp000"][1]
    assert kept == [0.8, 0.7, 0.3, 0.5, 0.4]


def test_by_iterations_the_best_weights_stay_and_the_next_step_trains(benchmark):
    scores = [0.2, 0.9, 0.1, *[0.5, 0.4]]
    strategy, notes = make(scores, mode="iteration", epochs=1)
    strategy.train(benchmark.train_stream, eval_streams=[benchmark.test_stream[:1]])
    iterations = len(notes.weights[0])
    assert iterations <= 5 and notes.trained == [0, 1]


def test_nothing_is_trained_after_an_iteration_stopped_it(benchmark):
    strategy, notes = make([0.9, 0.1], mode="iteration", epochs=4)
    train(strategy, benchmark, [0])
    assert weight_of(strategy).equal(notes.weights[0][0])
    assert len(notes.weights[0]) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eval_every": -1}, "eval_every=-1, peval_mode='epoch'; say eval_every=1"),
        ({"eval_every": 2}, "eval_every=2"),
        ({"peval_mode": "iteration"}, "looks every epoch.*peval_mode='epoch'"),
    ],
)
def test_what_is_never_evaluated_is_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        make([], **options)


def test_no_stream_to_evaluate_is_refused_before_training(benchmark):
    strategy, notes = make([])
    with pytest.raises(ValueError, match=r"eval_streams=\[\]: EarlyStoppingPlugin"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert notes.trained == []


@pytest.mark.parametrize("mode", ["epoch", "iteration"])
def test_a_metric_that_is_not_there_is_named_beside_those_that_are(mode, benchmark):
    strategy, _ = make([0.5] * 9, mode=mode, name="Top1_Acc_Stream")
    with pytest.raises(ValueError, match=r"begins with 'Top1_Acc_Stream.*gives Score/eval_phase"):
        train(strategy, benchmark)


def test_beside_a_checkpoint_it_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"checkpoint cannot hold.*EarlyStoppingPlugin"):
        make([], CheckpointPlugin(tmp_path / "checkpoint.pt"))
