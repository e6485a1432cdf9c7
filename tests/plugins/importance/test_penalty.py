from types import SimpleNamespace

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.kernels import Workspace
from avalanche_seg.losses import CrossEntropy
from avalanche_seg.plugins import EWCPlugin, PIPlugin, RWPlugin, SegmentationPlugin
from avalanche_seg.plugins.importance.penalty import (
    QuadraticPenalty,
    _add_penalty_gradient_,
    _add_penalty_gradient_foreach_,
)
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model

each_plugin = pytest.mark.parametrize("make", [EWCPlugin, PIPlugin, RWPlugin])


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("penalty"))


def train(benchmark, model, *plugins, epochs=1):
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01, 0.01),
        train_mb_size=4,
        train_epochs=epochs,
        plugins=plugins,
        evaluator=None,
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    return strategy


def test_closed_form_gradient_is_autograds():
    torch.manual_seed(0)
    held = torch.nn.Parameter(torch.randn(3, 2).double())
    new = torch.nn.Parameter(torch.randn(2).double())
    importance, anchor = torch.rand(3, 2).double(), torch.randn(3, 2).double()
    penalty = QuadraticPenalty()
    penalty.anchor({"held": anchor}, {"held": importance})
    held.grad = torch.ones_like(held)
    value = penalty.add_gradient({"held": held, "new": new}, weight=5.0)
    copy = held.detach().clone().requires_grad_()
    omega = 5.0 * (importance * (copy - anchor) ** 2).sum()
    omega.backward()
    torch.testing.assert_close(held.grad, 1 + copy.grad)
    assert value.item() == pytest.approx(omega.item())
    assert new.grad is None, "a head that did not exist is left out"


def test_one_by_one_and_together_pull_alike():
    torch.manual_seed(0)
    shapes = [(4, 3, 3, 3), (7,), (2, 5)]

    def row(scale=1.0):
        made = [scale * torch.rand(shape, dtype=torch.float64) for shape in shapes]
        made[0] = made[0].contiguous(memory_format=torch.channels_last)
        return made

    theta, anchor, importance, gradient = row(), row(), row(), row()
    rows = list(zip(theta, anchor, importance, gradient, strict=True))
    expected = [g + 3 * w * (t - a) for t, a, w, g in rows]
    value = sum((w * (t - a) ** 2).sum() for t, a, w, _ in rows)
    together = [g.clone() for g in gradient]
    terms = _add_penalty_gradient_foreach_(theta, anchor, importance, together, 3.0)
    torch.testing.assert_close(together, expected)
    torch.testing.assert_close(sum(terms), value)
    # Layouts may differ, as after loading a state.
    anchor[0], importance[0] = anchor[0].contiguous(), importance[0].contiguous()
    scratch = Workspace()
    terms = [
        _add_penalty_gradient_(t, a, w, g, 3.0, scratch)
        for t, a, w, g in zip(theta, anchor, importance, gradient, strict=True)
    ]
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(sum(terms), value)


def test_a_sweep_in_many_blocks_is_one_over_everything(monkeypatch):
    def run(size):
        monkeypatch.setattr("avalanche_seg.plugins.importance.blocks._CACHED", size)
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 4, 3)).double()
        plugin = RWPlugin(5.0, interval=2)
        strategy = SimpleNamespace(model=model)
        values = []
        for _ in range(2):
            plugin.before_training_exp(strategy)
            for _ in range(5):
                for parameter in model.parameters():
                    parameter.grad = torch.randn_like(parameter)
                plugin.before_update(strategy)
                values.append(plugin.value)
                with torch.no_grad():
                    for parameter in model.parameters():
                        parameter -= 0.01 * parameter.grad
            plugin.after_training_exp(strategy)
        return values, list(model.parameters()), plugin.penalty.importances

    torch.testing.assert_close(run(size=20), run(size=10**6), rtol=1e-12, atol=1e-12)


@each_plugin
def test_heads_of_the_current_step_are_held_from_the_next_on(benchmark, make):
    plugin, seen = make(), []

    class Spy(SegmentationPlugin):
        def before_training_exp(self, strategy, **kwargs):
            seen.append(set(plugin.penalty.importances))

    strategy = train(benchmark, tiny_model(), plugin, Spy())
    names = {name for name, _ in strategy.model.named_parameters()}
    assert seen[0] == set()
    assert seen[1] == {name for name in names if "classifiers.1" not in name}
    assert set(plugin.penalty.importances) == names


@each_plugin
def test_model_stays_in_train_mode(benchmark, make):
    modes = []

    class Watch(SegmentationPlugin):
        def before_forward(self, strategy, **kwargs):
            modes.append(strategy.model.training)

    train(benchmark, tiny_model(), make(), Watch())
    assert modes and all(modes)


@each_plugin
def test_frozen_parameters_are_left_out(benchmark, make):
    model, plugin = tiny_model(), make()
    model.network.first.requires_grad_(False)
    frozen = model.network.first.weight.clone()
    train(benchmark, model, plugin)
    assert model.network.first.weight.equal(frozen)
    assert not any(name.startswith("network.first") for name in plugin.penalty.importances)


@each_plugin
def test_a_parameter_without_gradient_counts_as_gradient_zero(benchmark, make):
    model, plugin = tiny_model(), make()
    model.unused = torch.nn.Parameter(torch.ones(3))
    train(benchmark, model, plugin)
    assert plugin.penalty.importances["unused"].isfinite().all()
    assert model.unused.isfinite().all()


@each_plugin
def test_penalty_keeps_the_parameters_nearer_to_the_previous_step(benchmark, make):
    distances = []
    for weight in (0.0, 20.0):
        start, model = {}, tiny_model()

        class Note(SegmentationPlugin):
            def after_training_exp(self, strategy, start=start, **kwargs):
                start.setdefault("w", strategy.model.network.second.weight.detach().clone())

        train(benchmark, model, make(weight), Note(), epochs=6)
        distances.append((model.network.second.weight - start["w"]).norm().item())
    assert distances[1] < distances[0]


@each_plugin
def test_works_in_a_users_own_supervised_template(tmp_path, make):
    benchmark = tiny_benchmark(tmp_path, train_transform=eval_preset(32, normalize=True))
    model, plugin = tiny_model(), make()
    strategy = SupervisedTemplate(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.001),
        criterion=lambda output, target: CrossEntropy()(output.logits, target),
        train_mb_size=4,
        plugins=[plugin],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    assert float(plugin.value) > 0


@each_plugin
def test_state_round_trip(benchmark, make):
    plugin, other = make(), make()
    train(benchmark, tiny_model(), plugin)
    other.load_state_dict(plugin.state_dict())
    for name, importance in plugin.penalty.importances.items():
        assert other.penalty.importances[name].equal(importance)
        assert other.penalty.anchors[name].equal(plugin.penalty.anchors[name])
