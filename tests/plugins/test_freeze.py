import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import FreezePlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


def train(model, benchmark, plugin, steps=2):
    strategy = FineTuning(
        model=model, optimizer=sgd(0.01), train_mb_size=4, evaluator=None, plugins=[plugin]
    )
    states = []
    for experience in benchmark.train_stream[:steps]:
        strategy.train(experience, eval_streams=[])
        states.append(copy.deepcopy(model.state_dict()))
    return states


def test_the_body_learns_at_step_0_and_only_the_heads_later(tmp_path):
    model = tiny_model()
    before = copy.deepcopy(model.state_dict())
    first, second = train(model, tiny_benchmark(tmp_path), FreezePlugin(heads_only=True))
    body = [name for name in before if name.startswith("network")]
    assert any(not first[name].equal(before[name]) for name in body)
    assert all(second[name].equal(first[name]) for name in body)
    heads = [name for name in first if name not in body]
    assert all(not second[name].equal(first[name]) for name in heads)


def test_statistics_of_batch_norm_stay_and_its_weights_learn(tmp_path):
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    before = copy.deepcopy(model.state_dict())
    (after,) = train(model, tiny_benchmark(tmp_path), FreezePlugin(batch_norm=True), steps=1)
    statistics = [name for name in before if "running_" in name]
    assert statistics and all(after[name].equal(before[name]) for name in statistics)
    norm = next(n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d))
    assert not after[f"{norm}.weight"].equal(before[f"{norm}.weight"])


def test_roles_and_weights_of_norms_do_not_learn_from_a_step_on_whatever_the_optimizer(tmp_path):
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    plugin = FreezePlugin(roles=("body", "old"), norm_affine=True, first_step=1)
    strategy = FineTuning(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.1),
        train_mb_size=4,
        evaluator=None,
        plugins=[plugin],
    )
    stream = tiny_benchmark(tmp_path).train_stream
    before = copy.deepcopy(dict(model.named_parameters()))
    strategy.train(stream[0], eval_streams=[])
    assert all(not p.equal(before[n]) for n, p in model.named_parameters() if n in before)
    first = copy.deepcopy(dict(model.named_parameters()))
    strategy.train(stream[1], eval_streams=[])
    norms = {n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    for name, value in first.items():
        frozen = "backbone" in name or ".classifiers.0." in name
        frozen |= name.rpartition(".")[0] in norms
        assert dict(model.named_parameters())[name].equal(value) == frozen, name
    assert all(p.requires_grad for p in model.parameters()), "thawed"


@pytest.mark.parametrize(
    ("model", "roles", "message"),
    [
        (tiny_model(), ["tail"], r"no role 'tail'; expected some of body"),
        (nn.Conv2d(3, 21, 1), ["body"], r"Conv2d has no method parameter_roles"),
    ],
)
def test_wrong_roles_are_told_before_step_0(tmp_path, model, roles, message):
    strategy = FineTuning(
        model=model,
        optimizer=sgd(),
        evaluator=None,
        plugins=[FreezePlugin(roles=roles, first_step=1)],
    )
    with pytest.raises(ValueError, match=message):
        strategy.train(tiny_benchmark(tmp_path).train_stream[0], eval_streams=[])
    with pytest.raises(ValueError, match=r"roles='body'; expected a list of roles"):
        FreezePlugin(roles="body")
