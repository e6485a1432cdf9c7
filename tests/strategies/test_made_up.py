"""Methods of tomorrow, added without a change to the package."""

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.kernels import resize_logits
from avalanche_seg.metrics import MeanIoU
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import SegmentationPlugin
from avalanche_seg.training import sgd
from tests.strategies.made_up import TAPS, PodLike, SureOldLabels, UnknownBiSeNet, UnknownLike
from tests.tiny import tiny_benchmark


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("made_up"), train_void="ignore")


class Spy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.terms, self.training = [], []

    def after_training_iteration(self, strategy, **kwargs):
        self.terms.append(dict(strategy.loss_terms))
        self.training.append({n: m.training for n, m in strategy.model.named_modules()})


def test_pseudo_labels_and_three_feature_maps(benchmark):
    torch.manual_seed(0)
    spy, metric = Spy(), MeanIoU()
    strategy = PodLike(
        model=BiSeNet("resnet18", taps=TAPS),
        optimizer=sgd(0.01),
        train_mb_size=4,
        eval_mb_size=4,
        plugins=[spy],
        evaluator=EvaluationPlugin(metric, loggers=[]),
    )
    for experience in benchmark.train_stream:
        spy.terms.clear()
        strategy.train(experience, eval_streams=[])
        strategy.eval([experience.test])
    assert all(set(terms) == {"classification", "pod"} for terms in spy.terms)
    # The student starts as the teacher, but for its batch norm, which is in training mode.
    assert all(0 < terms["pod"].item() < float("inf") for terms in spy.terms)
    labels = next(p for p in strategy.plugins if isinstance(p, SureOldLabels))
    assert 1 / 16 < labels.threshold <= 1
    assert strategy.model.n_classes == 21 and len(metric.matrix) == 21


def test_an_extra_channel_sigmoid_scores_and_a_frozen_body(benchmark):
    torch.manual_seed(0)
    spy, metric, model = Spy(), MeanIoU(), UnknownBiSeNet()
    strategy = UnknownLike(
        model=model,
        train_mb_size=4,
        eval_mb_size=4,
        plugins=[spy],
        evaluator=EvaluationPlugin(metric, loggers=[]),
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert (model.n_extra, model.n_classes, model.n_channels) == (1, 16, 17)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    spy.training.clear()
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert not any(any(modes.values()) for modes in spy.training), "all in evaluation mode"
    after = model.state_dict()
    moved = {name for name, value in before.items() if not value.equal(after[name])}
    assert moved and all(".classifiers.0." in name for name in moved), "the unknown alone"

    images = torch.randint(0, 256, (2, 3, 40, 48), dtype=torch.uint8)
    with torch.no_grad():
        logits = model.eval()(images).logits
    full = model.scores(resize_logits(logits, (40, 48)))
    assert full.shape[1] == 21
    assert model.predict(images).equal(full.argmax(1))
    strategy.eval([benchmark.test_stream[1]])
    assert len(metric.matrix) == 21, "classes are counted, not channels"


def test_new_heads_start_as_the_unknowns(benchmark):
    model = UnknownBiSeNet()
    strategy = UnknownLike(model=model, train_mb_size=4, evaluator=None)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    first = {}

    class First(SegmentationPlugin):
        def after_forward(self, strategy, **kwargs):
            first.setdefault(strategy.experience.current_experience, strategy.mb_output.logits)

    strategy.plugins.append(First())
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    unknown, new = first[1][:, :1], first[1][:, 17:]
    assert new.shape[1] == 5
    torch.testing.assert_close(new, unknown.expand_as(new), rtol=1e-4, atol=1e-5)
