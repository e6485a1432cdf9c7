"""DKD against the plain loop, and what its page promises."""

import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins import BalancedInitPlugin, PolyLRPlugin, SegmentationPlugin
from avalanche_seg.strategies import DKD, DKDM
from avalanche_seg.training import sgd
from tests.strategies import plain_dkd, plain_loop
from tests.strategies.test_methods import InDouble, assert_same_weights
from tests.strategies.test_ssul import Recorder
from tests.tiny import CROP, tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    root = tmp_path_factory.mktemp("dkd")
    return tiny_benchmark(root, task="10-5", train_void="ignore")


def normed_model(**options):
    torch.manual_seed(2)
    network = plain_dkd.NormedNetwork()
    return SegmentationModel(network, 8, (6,), **{**DKD.model_options, **options}).double()


def plain_model():
    """Without the package's initialisation of the heads."""
    return normed_model(head=[plain_dkd.row_factory] * 2)


def dkd(model, *plugins, kind=DKD, **options):
    arguments = {
        "optimizer": sgd(plain_dkd.LR, plain_dkd.LR_LATER),
        "train_mb_size": plain_loop.BATCH,
        "train_epochs": plain_dkd.EPOCHS,
        "loader": {"shuffle": False},
        "evaluator": None,
    }
    return kind(model=model, plugins=[*plugins, PolyLRPlugin()], **(arguments | options))


def train(strategy, benchmark):
    for experience in benchmark.train_stream:
        torch.manual_seed(plain_loop.SEED)
        strategy.train(experience, eval_streams=[])


def test_three_steps_end_with_the_weights_of_the_plain_loop(benchmark):
    model, expected = normed_model(), plain_model()
    plain_dkd.train_plainly(expected, benchmark)
    train(dkd(model, InDouble()), benchmark)
    assert_same_weights(model, expected)
    assert model.taps == {"head"}, "as it was"


def test_with_a_memory_too(benchmark):
    """Its images are joined with the step's, and show the new classes alone."""
    model, expected, recorder = normed_model(), plain_model(), Recorder()
    options = {"memory_size": 6, "pseudo_threshold": 0.3, "loader": None}
    strategy = dkd(model, InDouble(), recorder, kind=DKDM, **options)
    train(strategy, benchmark)
    n_images = [len(e.dataset) for e in benchmark.train_stream]
    wanted = [(n + 6 * (step > 0)) // 2 * 2 for step, n in enumerate(n_images)]
    assert [len(of_step) for of_step in recorder.batches] == wanted
    seen = {int(v) for _, labels, _ in recorder.batches[2] for v in labels.unique()}
    assert seen <= {0, *range(16, 21), 255}
    plain_dkd.train_plainly(expected, benchmark, batches_of_step=recorder.batches)
    assert_same_weights(model, expected)


class Terms(SegmentationPlugin):
    """Gradients of the distillations with regard to all parameters, at a step's first iteration."""

    def __init__(self):
        super().__init__()
        self.values, self.gradients = {}, {}

    def before_backward(self, strategy, **kwargs):
        step = strategy.experience.current_experience
        if step == 0 or step in self.gradients:
            return
        terms = strategy._step_objective(step_batch_of(strategy))
        self.values[step] = {name: terms[name].item() for name in ("kd", "dkd")}
        parameters = [p for p in strategy.model.parameters() if p.requires_grad]
        total = terms["kd"] + terms["dkd"]
        found = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
        self.gradients[step] = max(float(g.abs().max()) for g in found if g is not None)


def step_batch_of(strategy):
    from avalanche_seg.plugins import step_batch

    return step_batch(strategy, teacher=strategy._step_objective.teacher_output(strategy))


def test_distillations_start_at_their_minimum(benchmark):
    terms = Terms()
    train(dkd(normed_model(), InDouble(), terms), benchmark)
    assert set(terms.gradients) == {1, 2}
    assert all(gradient < 1e-12 for gradient in terms.gradients.values())
    assert all(value > 0.1 for found in terms.values.values() for value in found.values())


def test_the_auxiliary_channel_sends_no_gradient_to_the_features(benchmark):
    model = tiny_model(**DKD.model_options)
    strategy = dkd(model)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    model.train().zero_grad()
    images = torch.randn(2, 3, CROP, CROP)
    output = model(images)
    (output.logits[:, 0].sum() + output.aux[0][:, 0].sum()).backward()
    assert model.head.classifiers[0].weight.grad.abs().sum() > 0
    assert not any(p.grad.any() for p in model.network.parameters())


def test_a_logit_is_the_sum_of_its_parts(benchmark):
    model = normed_model()
    model.grow(4)
    model.taps = ("head", "head+", "head-")
    output = model.eval()(torch.randn(2, 3, CROP, CROP, dtype=torch.float64))
    bias = torch.cat([c.bias for c in model.head.classifiers]).view(1, -1, 1, 1)
    parts = output.features["head+"] + output.features["head-"] + bias
    torch.testing.assert_close(output.logits, parts, rtol=1e-12, atol=1e-12)
    assert (output.features["head+"] >= 0).all() and (output.features["head-"] <= 0).all()


def test_new_rows_start_as_the_auxiliary_one_and_norms_stay(benchmark):
    model = normed_model()
    strategy = dkd(model, InDouble())
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    state = copy.deepcopy(model.state_dict())
    first = {}

    class First(SegmentationPlugin):
        def after_forward(self, strategy, **kwargs):
            first.setdefault("logits", strategy.mb_output.logits.detach())
            first["training"] = strategy.model.network.norm.training

    strategy.plugins.append(First())
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    new = first["logits"][:, 11:]
    torch.testing.assert_close(new, first["logits"][:, :1].expand_as(new))
    assert not first["training"]
    for name in ("weight", "bias", "running_mean", "running_var"):
        key = f"network.norm.{name}"
        assert model.state_dict()[key].equal(state[key]), name


def test_prediction_is_background_where_no_class_is_likely():
    model = tiny_model(**DKD.model_options)
    model.grow(3)
    logits = torch.tensor([[5.0, -1.0, -2.0], [5.0, 0.5, 0.2], [-5.0, -0.1, 0.1]])
    scores = model.scores(logits.view(3, 3, 1, 1))
    assert scores.argmax(1).flatten().tolist() == [0, 1, 2]


def test_bad_input(benchmark):
    with pytest.raises(ValueError, match=r"DKD needs one with head='1x1-kaiming', n_extra=1, back"):
        dkd(tiny_model())
    with pytest.raises(ValueError, match=r"DKDM needs a SegmentationModel"):
        dkd(nn.Conv2d(3, 1, 1), kind=DKDM)
    model = tiny_model(**{**DKD.model_options, "head": "3x3"})
    with pytest.raises(ValueError, match=r"one convolution with bias; got Sequential"):
        train(dkd(model), benchmark)
    balanced = dkd(tiny_model(**DKD.model_options), BalancedInitPlugin())
    with pytest.raises(ValueError, match=r"balanced initialisation copies the background's row"):
        train(balanced, benchmark)
    many = dkd(tiny_model(**DKD.model_options), kind=DKDM, memory_size=21)
    with pytest.raises(ValueError, match=r"memory_size=21: step 0 has \d+ images"):
        train(many, benchmark)


@pytest.mark.parametrize(
    "name", ["kd_weight", "decomposed_weight", "positive_weight", "positive_weight_later"]
)
def test_weights_that_make_no_sense_are_refused(name):
    with pytest.raises(ValueError, match="finite number, zero or more"):
        dkd(tiny_model(**DKD.model_options), **{name: -1.0})
