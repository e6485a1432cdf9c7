from types import SimpleNamespace

import pytest
import torch
from torch import nn

from avalanche_seg.plugins import PolyLRPlugin
from avalanche_seg.strategies import EWC, FineTuning
from avalanche_seg.training import sgd
from avalanche_seg.training.optimizers import OptimizerSource
from tests.tiny import tiny_benchmark, tiny_model

FIRST, LATER = SimpleNamespace(previous_classes=[]), SimpleNamespace(previous_classes=[0, 1])


def test_sgd_has_one_rate_for_step_0_and_another_for_later_steps():
    model = nn.Linear(2, 2)
    assert sgd(0.4)(model, FIRST).param_groups[0]["lr"] == 0.4
    assert sgd(0.4)(model, LATER).param_groups[0]["lr"] == pytest.approx(0.04)
    group = sgd(0.4, 0.3, momentum=0.5, weight_decay=0.1, nesterov=False)(
        model, LATER
    ).param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.3, 0.5, 0.1)
    assert group["nesterov"] is False


def test_sgd_leaves_frozen_parameters_out():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    assert sgd()(model, FIRST).param_groups[0]["params"] == [model.weight]


def test_sgd_updates_weights_of_any_layout_like_plain_sgd(tmp_path):
    def plain(model, experience):
        rate = 0.005 if experience.previous_classes else 0.05
        options = {"momentum": 0.9, "weight_decay": 1e-4, "nesterov": True, "fused": False}
        return torch.optim.SGD(model.parameters(), lr=rate, **options)

    benchmark = tiny_benchmark(tmp_path)
    weights = []
    for optimizer in (sgd(0.05), plain):
        torch.manual_seed(0)
        model = tiny_model()
        # The penalty adds to the gradients; the second step has new parameters.
        strategy = EWC(
            model=model, optimizer=optimizer, penalty_weight=10, train_mb_size=4, evaluator=None
        )
        strategy.train(benchmark.train_stream, eval_streams=[])
        weights.append(torch.cat([parameter.flatten() for parameter in model.parameters()]))
    assert not model.network.second.weight.is_contiguous()  # Channels last.
    torch.testing.assert_close(*weights, rtol=1e-5, atol=1e-6)


def test_factory_is_called_at_every_step_after_the_model_grew(tmp_path):
    sizes = []

    def factory(model, experience):
        sizes.append((experience.current_experience, sum(p.numel() for p in model.parameters())))
        return torch.optim.SGD(model.parameters(), lr=0.01)

    benchmark = tiny_benchmark(tmp_path)
    strategy = FineTuning(model=tiny_model(), optimizer=factory, train_mb_size=4, evaluator=None)
    strategy.train(benchmark.train_stream, eval_streams=[])
    (first, small), (second, large) = sizes
    assert (first, second) == (0, 1)
    assert large - small == 5 * (8 + 1) + 5 * (6 + 1)


def test_a_users_optimizer_gets_new_heads_and_no_parameter_that_was_left_out(tmp_path):
    model = tiny_model()
    optimizer = torch.optim.SGD(model.network.second.parameters(), lr=0.05, momentum=0.9)
    benchmark = tiny_benchmark(tmp_path)
    left_out = model.network.first.weight.clone()
    strategy = FineTuning(
        model=model,
        optimizer=optimizer,
        train_mb_size=4,
        evaluator=None,
        plugins=[PolyLRPlugin()],
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    assert strategy.optimizer is optimizer
    known = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert all(id(p) in known for head in model.heads for p in head.parameters())
    assert model.network.first.weight.equal(left_out)


def test_a_users_optimizer_starts_every_step_fresh():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    source = OptimizerSource(optimizer, model)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer.param_groups[0].update(initial_lr=0.5, lr=0.01)
    assert optimizer.state
    source.at_step(model, LATER)
    assert not optimizer.state
    assert optimizer.param_groups[0]["lr"] == 0.5
