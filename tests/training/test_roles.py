"""Rates and weight decay by the role of parameters."""

import pytest
import torch
from torch import nn

from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import FreezePlugin, PolyLRPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import RoleOptions, role_groups, sgd
from tests.tiny import tiny_benchmark, tiny_model

# DKD's later steps: the body slowly, the rest at ten times its rate, decay on new rows alone.
DKD = {
    "body": RoleOptions(weight_decay=0.0),
    "neck": RoleOptions(lr=10.0, weight_decay=0.0),
    "old": RoleOptions(lr=10.0, weight_decay=0.0),
    "new": RoleOptions(lr=10.0),
}


def test_every_parameter_is_in_one_group_with_its_factors():
    model = BiSeNet("resnet18")
    for n_new in (16, 3, 2):
        model.grow(n_new)
    groups = {g["role"]: g for g in role_groups(model, DKD, lr=0.1, weight_decay=0.5)}
    assert {role: (g["lr"], g["weight_decay"]) for role, g in groups.items()} == {
        "body": (0.1, 0.0),
        "neck": (1.0, 0.0),
        "old": (1.0, 0.0),
        "new": (1.0, 0.5),
    }
    members = [p for group in groups.values() for p in group["params"]]
    assert len(members) == len({id(p) for p in members}) == len(list(model.parameters()))
    body = {id(p) for p in model.network.context.backbone.parameters()}
    assert {id(p) for p in groups["body"]["params"]} == body
    shapes = {role: [p.shape[0] for p in groups[role]["params"]] for role in ("old", "new")}
    assert shapes == {"old": [16, 16, 3, 3] * 3, "new": [2, 2] * 3}


def test_a_rate_of_zero_leaves_weights_as_they_are_decay_included(tmp_path):
    model = tiny_model()
    frozen = {"body": RoleOptions(lr=0.0), "old": RoleOptions(lr=0.0)}
    if "neck" in model.parameter_roles():
        frozen["neck"] = RoleOptions(lr=0.0)
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.05, 0.05, weight_decay=0.1, roles=frozen),
        train_mb_size=4,
        plugins=[PolyLRPlugin()],
        evaluator=None,
    )
    benchmark = tiny_benchmark(tmp_path)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    after = model.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    body = [*model.network.parameters()]
    assert all(not p.requires_grad and p.grad is None for p in body)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert all(p.requires_grad for p in body), "thawed where the role learns again"
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    fresh = [p for head in model.heads for p in head.classifiers[1].parameters()]
    assert all(p.grad is not None and p.grad.any() for p in fresh)


def test_the_schedule_keeps_the_ratios_of_the_rates(tmp_path):
    rates = []

    class Rates(PolyLRPlugin):
        def before_training_iteration(self, strategy, **kwargs):
            super().before_training_iteration(strategy, **kwargs)
            rates.append({g["role"]: g["lr"] for g in strategy.optimizer.param_groups})

    roles = {"new": RoleOptions(lr=10.0)}
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.05, first_step_roles=roles),
        train_mb_size=4,
        plugins=[Rates()],
        evaluator=None,
    )
    strategy.train(tiny_benchmark(tmp_path).train_stream[0], eval_streams=[])
    assert len(rates) > 2 and rates[0]["new"] == 0.5
    for found in rates:
        others = [rate for role, rate in found.items() if role != "new"]
        assert all(found["new"] == pytest.approx(10 * rate) for rate in others)


def test_without_roles_all_parameters_are_one_group():
    model = tiny_model()
    model.grow(3)
    (group,) = role_groups(model, {}, lr=0.1, weight_decay=0.5)
    assert set(group) == {"params"} and len(group["params"]) == len(list(model.parameters()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RoleOptions(lr=-1.0), r"lr=-1.0; expected a finite factor"),
        (lambda: RoleOptions(weight_decay=float("nan")), r"weight_decay=nan"),
        (
            lambda: role_groups(tiny_model(), {"tail": RoleOptions()}, lr=1, weight_decay=0),
            r"no role 'tail'; expected some of body, ",
        ),
        (
            lambda: role_groups(nn.Linear(1, 1), {"body": RoleOptions()}, lr=1, weight_decay=0),
            r"Linear has no method parameter_roles",
        ),
    ],
)
def test_bad_roles(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_modules_are_held_in_evaluation_mode_from_a_step_on(tmp_path):
    model = BiSeNet("resnet18")
    modes = {}

    class Modes(FreezePlugin):
        def after_training_iteration(self, strategy, **kwargs):
            step = strategy.experience.current_experience
            modes[step] = {name: m.training for name, m in model.named_modules()}

    plugin = Modes(evaluation=["network.context.backbone"], first_step=1)
    strategy = FineTuning(
        model=model, optimizer=sgd(0.01), train_mb_size=4, plugins=[plugin], evaluator=None
    )
    strategy.train(tiny_benchmark(tmp_path).train_stream, eval_streams=[])
    assert all(modes[0].values())
    held = {name for name, training in modes[1].items() if not training}
    assert held == {n for n in modes[1] if n.startswith("network.context.backbone")}


def test_a_path_that_is_no_module_is_named(tmp_path):
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=4,
        plugins=[FreezePlugin(evaluation=["backbone"])],
        evaluator=None,
    )
    with pytest.raises(ValueError, match=r"evaluation='backbone'.*at the top it has network, head"):
        strategy.train(tiny_benchmark(tmp_path).train_stream[0], eval_streams=[])


def test_roles_train_like_one_group_when_all_factors_are_one(tmp_path):
    states = []
    for roles in (None, {"body": RoleOptions()}):
        torch.manual_seed(0)
        model = tiny_model(seed=1)
        optimizer = sgd(0.05, roles=roles, first_step_roles=roles)
        strategy = FineTuning(model=model, optimizer=optimizer, train_mb_size=4, evaluator=None)
        strategy.train(tiny_benchmark(tmp_path).train_stream, eval_streams=[])
        states.append(model.state_dict())
    assert all(value.equal(states[1][name]) for name, value in states[0].items())
