"""The shared teacher by itself; in training it is compared in tests/strategies/test_ssul.py."""

import copy

import pytest
import torch
from torch import nn

from avalanche_seg.plugins import SharedForwardPlugin, SharedTeacher
from avalanche_seg.strategies import SSUL, FineTuning
from avalanche_seg.training import sgd
from tests.tiny import CROP, tiny_benchmark, tiny_model


def grown(*steps):
    model = tiny_model(**SSUL.model_options)
    for n_new in steps:
        model.grow(n_new)
    return model


def test_it_stays_the_previous_model_while_heads_learn_and_grow():
    model, teacher = grown(4, 3), SharedTeacher()
    previous = copy.deepcopy(model).eval()
    teacher.update(model, step=2)
    model.grow(2)
    with torch.no_grad():
        for number in (0, 1, 4):  # Unknown, background, newest.
            for parameter in model.head.classifiers[number].parameters():
                parameter += 1.0
    images = torch.randn(2, 3, CROP, CROP)
    model.train()
    with torch.no_grad():
        assert teacher(images).logits.equal(previous(images).logits)
    assert model.training and model.head.training, "modes are put back"
    assert sum(p.numel() for p in teacher.model.parameters()) < sum(
        p.numel() for p in model.head.parameters()
    ), "two small heads"


def test_its_state_goes_round():
    model, teacher, again = grown(4), SharedTeacher(), SharedTeacher()
    for each in (teacher, again):
        each.update(model, step=1)
    with torch.no_grad():
        next(again.model.parameters()).zero_()
    again.load_state_dict(teacher.state_dict())
    images = torch.randn(1, 3, CROP, CROP)
    assert again(images).logits.equal(teacher(images).logits)


def test_the_first_step_has_no_teacher():
    with pytest.raises(RuntimeError, match="no teacher at the first step"):
        SharedTeacher()(torch.zeros(1, 3, 8, 8))


def test_a_model_without_network_and_heads_is_refused(tmp_path):
    strategy = FineTuning(
        model=nn.Conv2d(3, 21, 1),
        optimizer=sgd(),
        train_mb_size=4,
        evaluator=None,
        plugins=[SharedForwardPlugin()],
    )
    with pytest.raises(ValueError, match=r"Conv2d"):
        strategy.train(tiny_benchmark(tmp_path).train_stream, eval_streams=[])
