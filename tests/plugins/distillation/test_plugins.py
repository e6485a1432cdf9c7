import copy

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.losses import CrossEntropy, unbiased_distillation
from avalanche_seg.models import IncrementalHead
from avalanche_seg.plugins import (
    FeatureDistillationPlugin,
    SegmentationPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


class LossSpy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.seen = []

    def before_backward(self, strategy, **kwargs):
        plain = float(getattr(strategy, "loss_terms", {}).get("classification", float("nan")))
        output = strategy.mb_output.logits.detach()
        self.seen.append((strategy.loss.item(), plain, output, strategy.mb_x))


def test_adds_the_weighted_loss_from_the_second_step_on(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    spy, plugin = LossSpy(), UnbiasedDistillationPlugin(3.0, teacher_scale=2.0)
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=4,
        plugins=[plugin, spy],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert spy.seen and all(total == plain for total, plain, *_ in spy.seen)
    spy.seen.clear()
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    teacher = plugin.teacher.model
    assert spy.seen
    for total, plain, logits, images in spy.seen:
        with torch.no_grad():
            old = teacher(images).logits
        term = unbiased_distillation(logits, old, size=(32, 32), teacher_scale=2.0).item()
        assert abs(total - plain - 3.0 * term) < 1e-4


def test_zero_weight_is_fine_tuning_bit_for_bit(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    states = []
    for plugins in ([], [UnbiasedDistillationPlugin(0.0)]):
        model = tiny_model(seed=4)
        strategy = FineTuning(
            model=model, optimizer=sgd(0.01), train_mb_size=4, plugins=plugins, evaluator=None
        )
        strategy.train(benchmark.train_stream, eval_streams=[])
        states.append(model.state_dict())
    assert all(value.equal(states[1][name]) for name, value in states[0].items())


def test_works_in_a_users_own_supervised_template(tmp_path):
    """The stock template, float samples, and a criterion on the model's output tuple."""
    from avalanche_seg.benchmarks import eval_preset

    benchmark = tiny_benchmark(
        tmp_path,
        train_transform=eval_preset(32, normalize=True),
        eval_transform=eval_preset(32, normalize=True),
    )
    model = tiny_model()
    plugin = UnbiasedDistillationPlugin(10.0)
    spy = LossSpy()
    strategy = SupervisedTemplate(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        criterion=lambda output, target: CrossEntropy()(output.logits, target),
        train_mb_size=4,
        plugins=[plugin, spy],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    assert model.n_classes == 21
    assert plugin.teacher.model.n_classes == 16


def make(model, *plugins):
    return FineTuning(
        model=model, optimizer=sgd(0.01), train_mb_size=4, plugins=plugins, evaluator=None
    )


def test_goes_on_from_a_loaded_model(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    model, plugin = tiny_model(), UnbiasedDistillationPlugin()
    make(model).train(benchmark.train_stream[0], eval_streams=[])
    before = copy.deepcopy(model.state_dict())
    make(model, plugin).train(benchmark.train_stream[1], eval_streams=[])
    taught = plugin.teacher.model.state_dict()
    assert all(value.equal(taught[name]) for name, value in before.items())


def test_training_a_step_again_keeps_its_teacher(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    model, plugin = tiny_model(), UnbiasedDistillationPlugin()
    strategy = make(model, plugin)
    strategy.train(benchmark.train_stream, eval_streams=[])
    teacher = plugin.teacher.model
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert plugin.teacher.model is teacher
    assert teacher.n_classes == 16


def test_step_0_has_no_teacher_when_it_is_trained_again(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    spy = LossSpy()
    strategy = make(tiny_model(), UnbiasedDistillationPlugin(), spy)
    strategy.train(benchmark.train_stream, eval_streams=[])
    assert any(total != plain for total, plain, *_ in spy.seen)
    spy.seen.clear()
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert spy.seen and all(total == plain for total, plain, *_ in spy.seen)


def test_a_model_of_another_step_cannot_teach(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    model = tiny_model()
    make(model).train(benchmark.train_stream, eval_streams=[])
    with pytest.raises(ValueError, match="16 classes and the model has 21"):
        make(model, UnbiasedDistillationPlugin()).train(benchmark.train_stream[1], eval_streams=[])


class GrowingLogits(torch.nn.Module):
    """Returns a plain tensor, from a head that grows."""

    def __init__(self):
        super().__init__()
        self.head = IncrementalHead(3)

    def forward(self, images):
        return self.head(images)


def test_models_of_plain_logits_are_distilled_but_have_no_features(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    strategy = make(GrowingLogits(), UnbiasedDistillationPlugin())
    strategy.train(benchmark.train_stream, eval_streams=[])
    model = GrowingLogits()
    strategy = make(model, FeatureDistillationPlugin())
    with pytest.raises(ValueError, match=r"the feature maps none.*needs"):
        strategy.train(benchmark.train_stream, eval_streams=[])
    assert model.head.classes_per_step == [16], "told of before step 0 was trained"
