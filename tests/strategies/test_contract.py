"""What every strategy promises."""

import copy
import inspect

import pytest
import torch

from avalanche_seg import strategies
from avalanche_seg.plugins import PolyLRPlugin, TeacherPlugin
from avalanche_seg.strategies import (
    DFT,
    DKD,
    DKDM,
    EWF,
    EWFPLOP,
    ILT,
    LGKD,
    PLOP,
    SSUL,
    SSULM,
    FineTuning,
    Joint,
    LwF,
    LwFMC,
    MiB,
    SMiB,
)
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model

ALL = [kind for kind in map(vars(strategies).get, strategies.__all__) if isinstance(kind, type)]
INCREMENTAL = [kind for kind in ALL if kind not in (DFT, Joint)]
FROZEN = [SSUL, SSULM]  # Their network learns at step 0 alone.


def model_of(strategy_class, seed=0):
    """A tiny model with a method's channels, and without batch norm."""
    options = {k: v for k, v in strategy_class.model_options.items() if k != "head"}
    return tiny_model(seed, **options)


def make(strategy_class, model, **options):
    arguments = {"optimizer": sgd(0.01), "train_mb_size": 4, "eval_mb_size": 4, "evaluator": None}
    if "memory_size" in inspect.signature(strategy_class).parameters:
        arguments["memory_size"] = 4
    return strategy_class(model=model, **(arguments | options))


@pytest.fixture(scope="module")
def three_steps(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("contract"), task="10-5")


@pytest.mark.parametrize("strategy_class", INCREMENTAL)
def test_three_steps_train_and_the_heads_grow(strategy_class, three_steps):
    model = model_of(strategy_class)
    strategy = make(strategy_class, model)
    seen = []
    for experience in three_steps.train_stream:
        before = copy.deepcopy(model.state_dict())
        strategy.train(experience, eval_streams=[])
        seen.append((model.n_classes, [head.out_channels for head in model.heads]))
        changed = [
            name for name, value in before.items() if not value.equal(model.state_dict()[name])
        ]
        learns = experience.current_experience == 0 or strategy_class not in FROZEN
        assert ("network.first.weight" in changed) == learns
        strategy.eval(three_steps.test_stream)
        assert model.n_classes == seen[-1][0], "evaluation must not grow the model"
    more = int(model.head.background == "split")
    assert seen == [(n, [n + more, n + more]) for n in (11, 16, 21)]


@pytest.mark.parametrize("strategy_class", INCREMENTAL)
def test_training_twice_on_a_step_does_not_grow_the_model_twice(strategy_class, three_steps):
    model = model_of(strategy_class)
    strategy = make(strategy_class, model)
    strategy.train(three_steps.train_stream[0], eval_streams=[])
    strategy.train(three_steps.train_stream[1], eval_streams=[])
    strategy.train(three_steps.train_stream[1], eval_streams=[])
    assert model.classes_per_step == [11, 5]


@pytest.mark.parametrize("strategy_class", [*INCREMENTAL, DFT])
def test_the_same_seed_gives_the_same_weights(strategy_class, three_steps):
    states = []
    for _ in range(2):
        model = model_of(strategy_class, seed=3)
        strategy = make(strategy_class, model)
        strategy.train(three_steps.train_stream[:2], eval_streams=[])
        states.append(model.state_dict())
    assert all(value.equal(states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("strategy_class", [*INCREMENTAL, DFT])
def test_evaluating_in_between_does_not_change_the_training(strategy_class, three_steps):
    states = []
    for eval_every in (-1, 1):
        model = model_of(strategy_class, seed=3)
        strategy = make(strategy_class, model, eval_every=eval_every, train_epochs=2)
        strategy.train(three_steps.train_stream[:2], eval_streams=[three_steps.test_stream])
        states.append(model.state_dict())
    assert all(value.equal(states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("strategy_class", ALL)
def test_keyword_only_and_the_callers_list_is_left_alone(strategy_class):
    signature = inspect.signature(strategy_class.__init__)
    kinds = {p.kind for name, p in signature.parameters.items() if name != "self"}
    assert inspect.Parameter.POSITIONAL_OR_KEYWORD not in kinds
    mine = [PolyLRPlugin()]
    make(strategy_class, model_of(strategy_class), plugins=mine)
    assert len(mine) == 1


@pytest.mark.parametrize(
    "strategy_class", [LwF, LwFMC, ILT, MiB, SMiB, PLOP, EWF, EWFPLOP, LGKD, DKD, DKDM]
)
def test_the_teacher_is_the_model_of_the_previous_step_and_never_changes(
    strategy_class, three_steps
):
    model = model_of(strategy_class)
    strategy = make(strategy_class, model)
    plugin = next(p for p in strategy.plugins if isinstance(p, TeacherPlugin))
    strategy.train(three_steps.train_stream[0], eval_streams=[])
    assert plugin.teacher.model is None
    for step in (1, 2):
        before = copy.deepcopy(model.state_dict())
        strategy.train(three_steps.train_stream[step], eval_streams=[])
        teacher = plugin.teacher.model
        assert all(value.equal(before[name]) for name, value in teacher.state_dict().items())
        assert not teacher.training
        assert not any(parameter.requires_grad for parameter in teacher.parameters())


def test_mib_without_old_steps_is_fine_tuning(three_steps):
    states = []
    for strategy_class in (FineTuning, MiB):
        model = tiny_model(seed=5)
        make(strategy_class, model).train(three_steps.train_stream[0], eval_streams=[])
        states.append(model.state_dict())
    assert all(value.equal(states[1][name]) for name, value in states[0].items())


def test_uint8_and_normalised_samples_train_alike(tmp_path):
    from avalanche_seg.benchmarks import eval_preset

    states = []
    for normalize in (False, True):
        benchmark = tiny_benchmark(tmp_path, train_transform=eval_preset(32, normalize=normalize))
        model = tiny_model(seed=1)
        strategy = make(FineTuning, model)
        strategy.train(benchmark.train_stream[0], eval_streams=[])
        states.append(model.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name])
