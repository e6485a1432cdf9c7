"""DFT*: all rows from the start, and later new rows alone."""

import copy

import pytest
import torch

from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import TeacherPlugin
from avalanche_seg.strategies import DFT
from avalanche_seg.training import sgd
from tests.strategies import plain_loop as plain
from tests.strategies.test_methods import assert_same_weights, train
from tests.tiny import tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def three_steps(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("dft"), task="10-5", train_void="ignore")


class Resting:
    """Later steps train the main rows that are of no earlier step."""

    def __init__(self):
        self.step = -1

    def begin(self, model):
        self.step += 1
        if self.step > 0:
            model.requires_grad_(False)
            model.head.classifiers[self.step :].requires_grad_(True)

    def iterate(self, model):
        pass

    def end(self, model):
        model.requires_grad_(True)


def test_against_the_plain_loop(three_steps):
    resting = Resting()

    def objective(output, labels, n_old, old):  # Auxiliary heads are off later.
        levels = (output.logits, *output.aux) if n_old == 0 else (output.logits,)
        return sum(plain.cross_entropy(level, labels) for level in levels)

    expected = tiny_model(seed=2).double()
    plain.train_plainly(expected, three_steps, objective, penalty=resting, ahead=True)
    strategy = train(DFT, three_steps)
    assert strategy.model.classes_per_step == [11, 5, 5]
    assert_same_weights(strategy.model, expected)


def test_a_new_class_costs_a_row_and_everything_else_stays(three_steps):
    torch.manual_seed(0)
    model = BiSeNet()
    strategy = DFT(model=model, optimizer=sgd(0.01, 0.1), train_mb_size=4, evaluator=None)
    strategy.train(three_steps.train_stream[0], eval_streams=[])
    assert model.n_classes == 21 and model(torch.zeros(2, 3, 32, 32)).logits.shape[1] == 21
    for step, moving in ((1, (1, 2)), (2, (2,))):
        before = copy.deepcopy(model.state_dict())
        strategy.train(three_steps.train_stream[step], eval_streams=[])
        changed = {n for n, v in model.state_dict().items() if not v.equal(before[n])}
        assert changed == {f"head.classifiers.{i}.{p}" for i in moving for p in ("weight", "bias")}
        assert all(p.requires_grad for p in model.parameters()), "thawed"


def test_its_model_is_no_teacher(three_steps):
    strategy = DFT(
        model=tiny_model(),
        optimizer=sgd(),
        train_mb_size=4,
        plugins=[TeacherPlugin()],
        evaluator=None,
    )
    with pytest.raises(ValueError, match="step 1 follows on 11 classes and the model has 21"):
        strategy.train(three_steps.train_stream, eval_streams=[])
