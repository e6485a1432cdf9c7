from types import SimpleNamespace

import pytest
import torch
from torch import nn

from avalanche_seg.plugins import Teacher, UnbiasedDistillationPlugin
from avalanche_seg.plugins.distillation.teacher import default_forward, shared_teacher


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        self.calls = []

    def forward(self, images):
        self.calls.append(len(images))
        return self.layer(images)


def test_runs_once_a_batch_in_evaluation_mode_without_gradient():
    model, teacher, ran = Counting().train(), Teacher(), []

    def run(copy, images):
        ran.append(copy)
        return default_forward(copy, images)

    teacher.update(model, step=0)
    images = torch.randn(2, 3, 4, 4)
    first = teacher(images, run)
    assert teacher(images, run) is first
    assert len(ran) == 1
    assert not first.logits.requires_grad and not teacher.model.training
    teacher(torch.randn(2, 3, 4, 4), run)
    assert len(ran) == 2
    teacher.clear_cache()
    teacher(images, run)
    assert len(ran) == 3
    # One image before the first batch tells how to fold the norms.
    assert teacher.model.calls == [1]
    assert model.training and model.calls == []


def trained(seed):
    """A model whose norm is not the identity."""
    torch.manual_seed(seed)
    model = Counting()
    for _ in range(3):
        model(2 + 3 * torch.randn(4, 3, 5, 5))
    return model


def test_state_is_the_copy_as_it_was_trained_and_gives_the_same_output_again():
    model, teacher, other = trained(0), Teacher(), Teacher()
    teacher.update(model, step=1)
    images = torch.randn(2, 3, 4, 4)
    expected = teacher(images).logits
    state = teacher.state_dict()
    assert all(state["model"][key].equal(value) for key, value in model.state_dict().items())
    other.update(trained(1), step=1)
    assert not other(images).logits.allclose(expected)
    other.load_state_dict(state)
    other.clear_cache()
    assert other(images).logits.equal(expected)
    torch.testing.assert_close(expected, model.eval()(images), rtol=1e-5, atol=1e-6)


def test_copy_is_independent_and_made_once_a_step():
    model, teacher = Counting(), Teacher()
    teacher.update(model, step=0)
    copy = teacher.model
    with torch.no_grad():
        model.layer[0].weight.add_(1.0)
    assert not copy.layer[0].weight.equal(model.layer[0].weight)
    teacher.update(model, step=0)
    assert teacher.model is copy
    teacher.update(model, step=1)
    assert teacher.model.layer[0].weight.equal(model.layer[0].weight)


def test_copy_carries_no_gradients():
    model, teacher = Counting(), Teacher()
    model(torch.randn(2, 3, 4, 4)).sum().backward()
    teacher.update(model, step=0)
    assert all(parameter.grad is None for parameter in teacher.model.parameters())
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_asking_at_the_first_step_is_an_error():
    with pytest.raises(RuntimeError, match="no teacher at the first step"):
        Teacher()(torch.zeros(1, 3, 2, 2))


def test_plugins_of_a_strategy_share_one_teacher():
    first, second = UnbiasedDistillationPlugin(), UnbiasedDistillationPlugin()
    experience = SimpleNamespace(previous_classes=[], current_experience=0)
    strategy = SimpleNamespace(plugins=[first, second], experience=experience)
    first.before_train_dataset_adaptation(strategy)
    second.before_train_dataset_adaptation(strategy)
    assert first.teacher is second.teacher
    mine = Teacher()
    third = UnbiasedDistillationPlugin(teacher=mine)
    third.before_train_dataset_adaptation(strategy)
    assert third.teacher is mine
    assert shared_teacher(SimpleNamespace(plugins=[])) is not mine
