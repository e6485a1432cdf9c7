"""PLOP's pseudo-labels in a strategy: thresholds of a pass, labels, weights; other templates."""

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.losses import CrossEntropy, class_thresholds, count_scores, score_histograms
from avalanche_seg.plugins import PseudoLabelPlugin, SegmentationPlugin
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.losses import full_size
from tests.tiny import tiny_benchmark, tiny_model


class Seen(SegmentationPlugin):
    """What the loss gets: labels, weights, and the labels as they were loaded."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def before_forward(self, strategy, **kwargs):
        self.loaded = strategy.mb_y

    def before_backward(self, strategy, **kwargs):
        weight = getattr(strategy, "target_weight", None)
        self.batches.append((strategy.mb_x, self.loaded, strategy.mb_y, weight))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    root = tmp_path_factory.mktemp("pseudo_labels")
    return tiny_benchmark(
        root, train_void="ignore", train_transform=eval_preset(32, normalize=True)
    )


def trained(strategy, benchmark, seen, **options):
    strategy.train(benchmark.train_stream[0], eval_streams=[], **options)
    assert all(labels is loaded for _, loaded, labels, _ in seen.batches), "step 0 has no teacher"
    seen.batches.clear()
    strategy.train(benchmark.train_stream[1], eval_streams=[], **options)


def check(plugin, seen, *, weighted):
    """The labels against probabilities at full size; thresholds against a histogram of them."""
    histograms = score_histograms(16, rule=plugin.threshold)
    found = []
    for images, loaded, *_ in seen.batches:
        p = full_size.full_size(plugin.teacher.model(images).logits, (32, 32)).softmax(1)
        entropy = torch.special.entr(p).sum(1) / torch.tensor(16.0).log()
        score = entropy if plugin.threshold == "paper" else entropy / 16 / torch.tensor(21.0).log()
        background = loaded < 16
        count_scores(histograms, p.argmax(1)[background], score[background], rule=plugin.threshold)
        found.append((p.argmax(1), score))
    thresholds = class_thresholds(histograms, rule=plugin.threshold)
    torch.testing.assert_close(plugin.thresholds, thresholds, rtol=3e-3, atol=0)
    shares = []
    for (_, loaded, labels, weight), (predicted, score) in zip(seen.batches, found, strict=True):
        clear = (score - thresholds[predicted]).abs() > 1e-3 * thresholds[predicted]
        sure = (score < thresholds[predicted]) & (loaded < 16)
        expected = torch.where(sure, predicted, torch.where(loaded < 16, 255, loaded))
        assert labels[clear].equal(expected[clear])
        nu = sure.sum((1, 2)) / (loaded < 16).sum((1, 2))
        assert (weight is not None) == weighted
        if weighted:
            torch.testing.assert_close(weight, nu, rtol=0.02, atol=0.02)
        shares += nu.tolist()
    assert 0 < sum(shares) / len(shares) < 1, "some are accepted, some not"


@pytest.mark.parametrize("threshold", ["code", "paper"])
def test_in_a_template_of_ours(threshold, benchmark):
    plugin, seen = PseudoLabelPlugin(threshold=threshold, progress=False), Seen()
    strategy = SegmentationTemplate(
        model=tiny_model(),
        optimizer=sgd(0.3, 0.01),  # For a teacher that is sure of some pixels.
        train_mb_size=4,
        plugins=[plugin, seen],
        evaluator=None,
    )
    trained(strategy, benchmark, seen, shuffle=False)
    check(plugin, seen, weighted=True)


def test_in_a_strategy_that_knows_nothing_of_this_package(benchmark):
    class Plain(SupervisedTemplate):
        def _unpack_minibatch(self):
            super()._unpack_minibatch()
            self.mbatch[1] = self.mbatch[1].long()

        def criterion(self):
            return CrossEntropy()(self.mb_output.logits, self.mb_y)

    model, seen = tiny_model(), Seen()
    plugin = PseudoLabelPlugin(threshold="paper", weigh_images=False, progress=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    strategy = Plain(
        model=model, optimizer=optimizer, train_mb_size=4, plugins=[plugin, seen], evaluator=None
    )
    trained(strategy, benchmark, seen, drop_last=True, shuffle=False)
    check(plugin, seen, weighted=False)


@pytest.mark.parametrize(
    "options",
    [{"threshold": "mean"}, {"least": 1.5}, {"least": -0.1}, {"weigh_images": "no"}],
)
def test_bad_options_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        PseudoLabelPlugin(**options)
