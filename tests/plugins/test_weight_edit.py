"""Weights edited after a step: everything that comes later sees them."""

import torch
from avalanche.training.plugins import EvaluationPlugin
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.losses import CrossEntropy
from avalanche_seg.metrics import MeanIoU
from avalanche_seg.plugins import EWCPlugin, SegmentationPlugin, TeacherPlugin, WeightEditPlugin
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.tiny import tiny_benchmark, tiny_model


class Average(WeightEditPlugin):
    """A made-up fusion: half the old body, half the new one."""

    def __init__(self, holder):
        super().__init__()
        self.holder = holder
        self.times = 0

    @torch.no_grad()
    def edit_weights(self, strategy):
        self.times += 1
        if strategy.experience.previous_classes:
            old = dict(self.holder.teacher.model.named_parameters())
            for name, parameter in strategy.model.named_parameters():
                if name.startswith("network"):
                    parameter.lerp_(old[name], 0.5)


class Watch(SegmentationPlugin):
    """Notes the weights that the training leaves, and those that others see after it."""

    def after_training_epoch(self, strategy, **kwargs):
        self.trained = strategy.model.network.first.weight.detach().clone()

    def after_training_exp(self, strategy, **kwargs):
        self.seen = strategy.model.network.first.weight.detach().clone()

    def before_eval_exp(self, strategy, **kwargs):
        self.evaluated = strategy.model.network.first.weight.detach().clone()


def test_every_other_plugin_and_the_evaluation_see_the_edited_weights(tmp_path):
    benchmark = tiny_benchmark(tmp_path)
    holder, watch, ewc = TeacherPlugin(), Watch(), EWCPlugin(1.0)
    average = Average(holder)
    strategy = SegmentationTemplate(
        model=tiny_model(),
        optimizer=sgd(0.1),
        train_mb_size=4,
        eval_mb_size=4,
        plugins=[watch, ewc, holder, average],  # The edit is listed last.
        evaluator=EvaluationPlugin(MeanIoU(), loggers=[]),
        eval_every=0,
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    old = strategy.model.network.first.weight.detach().clone()
    strategy.train(benchmark.train_stream[1], eval_streams=[benchmark.test_stream[1:]])
    expected = watch.trained.lerp(old, 0.5)
    assert not expected.equal(watch.trained)
    for seen in (watch.seen, watch.evaluated, ewc.penalty.anchors["network.first.weight"]):
        assert seen.equal(expected)
    assert average.times == 2


def test_another_strategy_edits_when_it_reaches_the_plugin(tmp_path):
    from avalanche_seg.benchmarks import eval_preset

    class Zero(WeightEditPlugin):
        @torch.no_grad()
        def edit_weights(self, strategy):
            strategy.model.network.first.weight.zero_()

    class Plain(SupervisedTemplate):
        def criterion(self):
            return CrossEntropy()(self.mb_output.logits, self.mb_y)

    benchmark = tiny_benchmark(tmp_path, train_transform=eval_preset(32, normalize=True))
    model = tiny_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    strategy = Plain(
        model=model, optimizer=optimizer, train_mb_size=4, plugins=[Zero()], evaluator=None
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[], drop_last=True)
    assert not model.network.first.weight.any()
