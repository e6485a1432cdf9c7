"""Pseudo-labels: a pass over the step's data, then labels and weights of every batch."""

import copy

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.losses import CrossEntropy, cross_entropy
from avalanche_seg.plugins import CheckpointPlugin, PolyLRPlugin, SegmentationPlugin, TargetPlugin
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.tiny import tiny_benchmark, tiny_model


class MostlyOld(TargetPlugin):
    """Background becomes the old class that the teacher finds, where it is surer than usual."""

    def __init__(self, **options):
        super().__init__(progress=False, **options)
        self.threshold = None
        self.passes = []
        self.given = []

    def prepare_step(self, strategy, batches):
        surest = []
        for batch in batches:
            assert batch.output is None and batch.teacher.logits.shape[1] == batch.n_old
            surest.append(batch.teacher.logits.softmax(1).amax(1).flatten())
        self.passes.append((len(surest), len(strategy.dataloader)))
        self.threshold = torch.cat(surest).median()

    def targets(self, batch):
        probabilities = batch.teacher.logits.softmax(1)
        best = torch.nn.functional.interpolate(probabilities, size=batch.size)
        share, old = best.max(1)
        accepted = (batch.target == 0) & (share >= self.threshold)
        weight = accepted.float().mean((1, 2))
        labels = torch.where(accepted, old, batch.target)
        self.given.append((labels, weight))
        return labels, weight

    def state_dict(self):
        return super().state_dict() | {"threshold": self.threshold}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.threshold = state["threshold"]


class Spy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.seen = []

    def before_backward(self, strategy, **kwargs):
        terms = getattr(strategy, "loss_terms", {})
        self.seen.append((strategy.mb_y, strategy.mb_output, terms.get("classification")))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("targets"))


def template(*plugins, **options):
    arguments = {"model": tiny_model(), "optimizer": sgd(0.01), "train_mb_size": 4}
    return SegmentationTemplate(plugins=plugins, evaluator=None, **(arguments | options))


def test_labels_and_weights_reach_the_loss(benchmark):
    plugin, spy = MostlyOld(), Spy()
    strategy = template(plugin, spy)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert not plugin.passes and not plugin.given, "step 0 has no teacher"
    spy.seen.clear()
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    ((seen, n_batches),) = plugin.passes
    assert seen == n_batches == len(plugin.given) == len(spy.seen)
    for (labels, weight), (used, output, term) in zip(plugin.given, spy.seen, strict=True):
        assert used is labels and ((labels > 0) & (labels < 16)).any()
        levels = (output.logits, *output.aux)
        maps = [cross_entropy(z, labels, reduction="none") for z in levels]
        expected = sum((m * weight.view(-1, 1, 1)).mean() for m in maps)
        torch.testing.assert_close(term, expected.detach(), rtol=1e-5, atol=1e-7)


def test_parts_of_a_batch_have_weights_of_their_own(benchmark):
    states = []
    for parts in (1, 2):
        torch.manual_seed(0)
        model = tiny_model(seed=2)
        strategy = template(MostlyOld(), model=model, micro_batches=parts)
        strategy.train(benchmark.train_stream, eval_streams=[])
        states.append(model.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-4, atol=1e-6)


def test_several_plugins_change_the_labels_one_after_the_other(benchmark):
    class AllVoid(TargetPlugin):
        def targets(self, batch):
            return torch.full_like(batch.target, 255), batch.weight

    spy, pseudo = Spy(), MostlyOld()
    template(pseudo, AllVoid(first_step=0), spy).train(benchmark.train_stream, eval_streams=[])
    assert all((labels == 255).all() for labels, *_ in spy.seen)
    assert pseudo.given, "it saw the labels first"


def test_in_a_strategy_that_knows_nothing_of_this_package(tmp_path):
    from avalanche_seg.benchmarks import eval_preset

    class Plain(SupervisedTemplate):
        def _unpack_minibatch(self):
            super()._unpack_minibatch()
            self.mbatch[1] = self.mbatch[1].long()

        def criterion(self):
            return CrossEntropy()(self.mb_output.logits, self.mb_y)

    benchmark = tiny_benchmark(tmp_path, train_transform=eval_preset(32, normalize=True))
    model, plugin, spy = tiny_model(), MostlyOld(), Spy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    strategy = Plain(
        model=model, optimizer=optimizer, train_mb_size=4, plugins=[plugin, spy], evaluator=None
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[], drop_last=True)
    spy.seen.clear()
    strategy.train(benchmark.train_stream[1], eval_streams=[], drop_last=True)
    assert plugin.passes and plugin.given
    for (labels, _), (used, *_) in zip(plugin.given, spy.seen, strict=True):
        assert used is labels


def test_a_stopped_step_goes_on_with_its_thresholds_to_the_same_weights(benchmark, tmp_path):
    def run(path, stop_after=None):
        torch.manual_seed(0)
        checkpoint = CheckpointPlugin(path)
        pseudo = MostlyOld()
        strategy = template(
            pseudo, PolyLRPlugin(), checkpoint, model=tiny_model(seed=4), train_epochs=3
        )

        class Stop(SegmentationPlugin):
            def after_training_epoch(self, strategy, **kwargs):
                at = (strategy.experience.current_experience, strategy.clock.train_exp_epochs)
                if at == stop_after:
                    raise KeyboardInterrupt

        strategy.plugins.append(Stop())
        for experience in checkpoint.remaining(strategy, benchmark.train_stream):
            strategy.train(experience, eval_streams=[])
        return strategy.model.state_dict(), pseudo.threshold

    whole, threshold = run(tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts.pt", stop_after=(1, 1))
    resumed, again = run(tmp_path / "parts.pt")
    assert threshold.equal(again)
    assert all(value.equal(resumed[name]) for name, value in whole.items())


def test_thresholds_depend_on_the_plugins_seed_alone(tmp_path):
    """Not on the training's random numbers, which the pass leaves where they were."""
    benchmark = tiny_benchmark(tmp_path, train_transform=train_preset(32))
    model = tiny_model(seed=1)
    template(model=model).train(benchmark.train_stream[0], eval_streams=[])
    state = copy.deepcopy(model.state_dict())
    found = []
    for training_seed, plugin_seed in ((0, 0), (7, 0), (0, 1)):
        model = tiny_model(seed=1)
        model.grow(16)
        model.load_state_dict(state)
        plugin = MostlyOld(seed=plugin_seed)
        torch.manual_seed(training_seed)
        template(plugin, model=model).train(benchmark.train_stream[1], eval_streams=[])
        found.append(plugin.threshold.item())
    assert found[0] == found[1] != found[2]
