"""Local POD in a strategy: the maps it asks for, and the error where a model has them not."""

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate
from torch import nn

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.losses import CrossEntropy, LocalPODTerm
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import LocalPODPlugin, SegmentationPlugin
from avalanche_seg.plugins.objective import step_batch
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.tiny import tiny_benchmark, tiny_model


class Terms(SegmentationPlugin):
    def __init__(self, pod):
        super().__init__()
        self.pod, self.found = pod, []

    def before_backward(self, strategy, **kwargs):
        loss = strategy.loss.item()
        batch = step_batch(strategy, teacher=self.pod.teacher_output(strategy))
        terms = self.pod.objective(batch)
        added = sum(value.item() for value in terms.values())
        ce = CrossEntropy()
        levels = (batch.output.logits, *batch.output.aux)
        plain = sum(ce(level, batch.target).item() for level in levels)
        self.found.append((loss, plain, added, set(terms)))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    root = tmp_path_factory.mktemp("local_pod")
    return tiny_benchmark(root, train_transform=eval_preset(32, normalize=True))


class Plain(SupervisedTemplate):
    def _unpack_minibatch(self):
        super()._unpack_minibatch()
        self.mbatch[1] = self.mbatch[1].long()

    def criterion(self):
        ce = CrossEntropy()
        return sum(ce(level, self.mb_y) for level in (self.mb_output.logits, *self.mb_output.aux))


@pytest.mark.parametrize("template", [SegmentationTemplate, Plain])
def test_any_strategy_adds_the_terms(template, benchmark):
    pod, model = LocalPODPlugin(1.0, logits_weight=0.1), tiny_model()
    terms = Terms(pod)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    strategy = template(
        model=model, optimizer=optimizer, train_mb_size=4, plugins=[pod, terms], evaluator=None
    )
    for experience in benchmark.train_stream:
        terms.found.clear()
        strategy.train(experience, eval_streams=[], drop_last=True)
    assert terms.found
    for loss, plain, added, names in terms.found:
        assert names == {"pod", "pod_logits"} and added > 0
        assert loss == pytest.approx(plain + added, rel=1e-5)


def test_the_model_returns_the_maps_from_then_on(benchmark):
    for taps, expected in (
        (None, {"layer1", "layer2", "layer3", "layer4", "head"}),
        (["layer2"], {"layer2", "head"}),
    ):
        model = BiSeNet()
        strategy = SegmentationTemplate(
            model=model,
            optimizer=sgd(),
            train_mb_size=4,
            plugins=[LocalPODPlugin(taps=taps)],
            evaluator=None,
        )
        strategy.train(benchmark.train_stream[0], eval_streams=[])
        assert model.taps == expected
        assert set(model(torch.zeros(2, 3, 32, 32)).features) == expected


class LogitsOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = tiny_model()

    def forward(self, images):
        return self.inner(images).logits


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (tiny_model(), "taps 'layer4' are unknown; expected some of head"),
        (LogitsOnly(), "returns the feature maps none; local POD needs 'layer4', 'head'"),
    ],
)
def test_a_model_without_the_maps_is_refused_before_anything_is_trained(model, message, benchmark):
    pod = LocalPODPlugin(taps=("layer4", "head"))
    strategy = SegmentationTemplate(
        model=model, optimizer=sgd(), train_mb_size=4, plugins=[pod], evaluator=None
    )
    first = next(model.parameters()).detach().clone()
    with pytest.raises(ValueError, match=message):
        strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert next(model.parameters()).equal(first)


def test_channels_that_are_no_classes_are_refused(benchmark):
    assert LocalPODTerm.channels_are_classes
    model = BiSeNet(n_extra=1)
    strategy = SegmentationTemplate(
        model=model, optimizer=sgd(), train_mb_size=4, plugins=[LocalPODPlugin()], evaluator=None
    )
    with pytest.raises(ValueError, match="takes channel k for class k"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])


@pytest.mark.parametrize("options", [{"taps": "head"}, {"taps": []}, {"logits_weight": -1.0}])
def test_bad_options_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        LocalPODPlugin(**options)
