"""What a strategy's loss is combined of, and which combinations are refused."""

import pytest
import torch
from torch import nn

from avalanche_seg.kernels import choice
from avalanche_seg.losses import CriterionObjective, CrossEntropy, TeacherTerm
from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins import (
    DistillationPlugin,
    ObjectivePlugin,
    SegmentationPlugin,
    Teacher,
    TeacherPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.strategies import FineTuning, MiB
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.tiny import TinyNetwork, tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("objective"))


class Gap(TeacherTerm):
    name = "gap"

    def term(self, batch):
        return (batch.output.logits.mean() - batch.teacher.logits.mean()).square()


class Terms(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.names = {}

    def before_backward(self, strategy, **kwargs):
        step = strategy.experience.current_experience
        self.names[step] = set(strategy.loss_terms)


def train(benchmark, strategy_class, model=None, **options):
    strategy = strategy_class(
        model=model or tiny_model(),
        train_mb_size=4,
        evaluator=None,
        **({"optimizer": sgd(0.01)} | options),
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    return strategy


@pytest.mark.parametrize("place", ["plugin", "objective"])
def test_an_objective_that_needs_a_teacher_gets_one(benchmark, place):
    terms = Terms()
    if place == "plugin":
        options = {"plugins": [ObjectivePlugin(Gap(1.0)), terms]}
        expected = {0: {"classification"}, 1: {"classification", "gap"}}
    else:
        options = {"objective": Both(), "plugins": [terms]}
        expected = {0: {"classification"}, 1: {"classification", "gap"}}
    strategy = train(benchmark, SegmentationTemplate, **options)
    assert terms.names == expected
    assert sum(isinstance(plugin, TeacherPlugin) for plugin in strategy.plugins) == 1


class Both:
    needs_teacher = True

    def __call__(self, batch):
        return CriterionObjective(CrossEntropy())(batch) | Gap(1.0)(batch)


def test_plugins_with_different_teachers_are_refused(benchmark):
    plugins = [DistillationPlugin(teacher=Teacher()), DistillationPlugin(teacher=Teacher())]
    with pytest.raises(ValueError, match="different teachers; expected one for all"):
        train(benchmark, FineTuning, plugins=plugins)


def test_plugins_that_share_a_given_teacher_are_not(benchmark):
    teacher = Teacher()
    plugins = [DistillationPlugin(teacher=teacher), UnbiasedDistillationPlugin()]
    train(benchmark, FineTuning, plugins=plugins)
    assert plugins[1].teacher is teacher and teacher.model is not None


@pytest.mark.parametrize("heads", [{"n_extra": 1}, {"background": "none"}])
@pytest.mark.parametrize("strategy_class", [FineTuning, MiB])
def test_losses_of_classes_refuse_channels_that_are_none(benchmark, strategy_class, heads):
    model = SegmentationModel(TinyNetwork(), 8, (6,), **heads)
    before = [parameter.clone() for parameter in model.network.parameters()]
    with pytest.raises(ValueError, match=r"takes channel k for class k.*n_extra.*objective="):
        train(benchmark, strategy_class, model)
    assert all(p.equal(b) for p, b in zip(model.network.parameters(), before, strict=True))


def test_the_sum_of_the_terms_is_the_loss_of_a_criterion_of_torchs(benchmark):
    seen = []

    class Watch(SegmentationPlugin):
        def before_backward(self, strategy, **kwargs):
            levels = (strategy.mb_output.logits, *strategy.mb_output.aux)
            full = [nn.functional.interpolate(z, (32, 32), mode="bilinear") for z in levels]
            expected = sum(nn.functional.cross_entropy(z, strategy.mb_y) for z in full)
            seen.append((strategy.loss.item(), expected.item()))

    train(benchmark, FineTuning, criterion=nn.CrossEntropyLoss(), plugins=[Watch()])
    assert seen
    for ours, expected in seen:
        assert ours == pytest.approx(expected, rel=1e-5)
    assert torch.isfinite(torch.tensor(seen)).all()


def test_losses_are_computed_by_the_kernels_that_were_chosen(benchmark, monkeypatch):
    asked = []

    def fuses(*args):
        asked.append(choice._chosen.get())
        return False

    monkeypatch.setattr("avalanche_seg.kernels.pixel_loss.fuses", fuses)
    for kernels in ("auto", "triton"):
        options = {} if kernels == "auto" else {"kernels": kernels}
        strategy = FineTuning(
            model=tiny_model(), optimizer=sgd(), train_mb_size=4, evaluator=None, **options
        )
        strategy.train(benchmark.train_stream[0], eval_streams=[])
        assert asked and set(asked) == {kernels}
        asked.clear()


def test_unknown_kernels_are_refused():
    with pytest.raises(ValueError, match="kernels='cuda' is unknown; expected one of auto, tiles"):
        FineTuning(model=tiny_model(), optimizer=sgd(), kernels="cuda")
