from types import SimpleNamespace

import pytest
import torch
from torch import nn

from avalanche_seg.plugins import Teacher, UnbiasedDistillationPlugin
from avalanche_seg.plugins.distillation.teacher import shared_teacher


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return self.layer(images)


def test_runs_once_a_batch_in_evaluation_mode_without_gradient():
    model, teacher = Counting().train(), Teacher()
    teacher.update(model, step=0)
    images = torch.randn(2, 3, 4, 4)
    first = teacher(images)
    assert teacher(images) is first
    assert teacher.model.calls == 1
    assert not first.logits.requires_grad and not teacher.model.training
    teacher(torch.randn(2, 3, 4, 4))
    assert teacher.model.calls == 2
    teacher.clear_cache()
    teacher(images)
    assert teacher.model.calls == 3
    assert model.training and model.calls == 0


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
