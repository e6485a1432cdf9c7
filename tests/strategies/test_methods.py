"""Every method against the plain loop: three steps, double precision, the same weights."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.plugins import ImportancePlugin, PolyLRPlugin, SegmentationPlugin
from avalanche_seg.strategies import EWC, ILT, PI, RW, FineTuning, LwF, LwFMC, MiB, SMiB
from avalanche_seg.training import sgd
from tests.strategies import plain_loop as plain
from tests.strategies.plain_penalties import PlainEWC, PlainPI, PlainRW
from tests.tiny import CROP, tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def three_steps(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("methods"), task="10-5")


def cross_entropy(output, labels, n_old, old):
    return plain.on_all_outputs(plain.cross_entropy, output, labels)


def lwf(output, labels, n_old, old):
    loss = cross_entropy(output, labels, n_old, old)
    return (
        loss if old is None else loss + 100 * plain.classical_kd(output.logits, old.logits, labels)
    )


def ilt(output, labels, n_old, old):
    loss = lwf(output, labels, n_old, old)
    return (
        loss
        if old is None
        else loss + 100 * (output.features["head"] - old.features["head"]).square().mean()
    )


def lwf_mc(output, labels, n_old, old):
    loss = plain.on_all_outputs(plain.binary_cross_entropy, output, labels)
    return loss if old is None else loss + 10 * plain.icarl_kd(output.logits, old.logits, labels)


def mib(output, labels, n_old, old):
    loss = plain.on_all_outputs(plain.cross_entropy, output, labels, n_old=n_old)
    return loss if old is None else loss + 10 * plain.unbiased_kd(output.logits, old.logits, labels)


class InDouble(SegmentationPlugin):
    """Batches in double precision, so that only the order of operations is left to differ."""

    def before_training_iteration(self, strategy, **kwargs):
        images, labels, *rest = strategy.mbatch
        strategy.mbatch = [images.double(), labels, *rest]


class ValueSpy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.values = []

    def after_update(self, strategy, **kwargs):
        plugin = next(p for p in strategy.plugins if isinstance(p, ImportancePlugin))
        self.values.append(float(plugin.value))


def train(strategy_class, benchmark, *plugins, **options):
    model = tiny_model(seed=2).double()
    strategy = strategy_class(
        model=model,
        optimizer=sgd(plain.LR, plain.LR_LATER),
        train_mb_size=plain.BATCH,
        train_epochs=plain.EPOCHS,
        plugins=[InDouble(), PolyLRPlugin(), *plugins],
        evaluator=None,
        loader={"shuffle": False},
        **options,
    )
    for experience in benchmark.train_stream:
        torch.manual_seed(plain.SEED)
        strategy.train(experience, eval_streams=[])
    return strategy


def assert_same_weights(model, expected):
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("strategy_class", "objective", "balanced"),
    [
        (FineTuning, cross_entropy, False),
        (LwF, lwf, False),
        (LwFMC, lwf_mc, False),
        (ILT, ilt, False),
        (MiB, mib, True),
    ],
)
def test_distillation_methods_with_their_published_weights(
    three_steps, strategy_class, objective, balanced
):
    expected = tiny_model(seed=2).double()
    plain.train_plainly(expected, three_steps, objective, balanced=balanced)
    assert_same_weights(train(strategy_class, three_steps).model, expected)


@pytest.mark.parametrize(
    ("strategy_class", "reference", "options"),
    [
        (EWC, lambda: PlainEWC(500.0), {}),
        (PI, lambda: PlainPI(500.0), {}),
        (RW, lambda: PlainRW(100.0, 10), {}),
        (RW, lambda: PlainRW(7.0, 3), {"penalty_weight": 7.0, "interval": 3}),
    ],
)
def test_penalty_methods_with_their_published_weights(
    three_steps, strategy_class, reference, options
):
    """Importances, values of the penalty and weights; at least ten iterations per step."""
    expected, penalty, spy = tiny_model(seed=2).double(), reference(), ValueSpy()
    plain.train_plainly(expected, three_steps, cross_entropy, penalty=penalty)
    strategy = train(strategy_class, three_steps, spy, **options)
    assert_same_weights(strategy.model, expected)
    plugin = next(p for p in strategy.plugins if isinstance(p, ImportancePlugin))
    assert set(plugin.penalty.importances) == set(penalty.importance)
    for name, importance in plugin.penalty.importances.items():
        assert importance.flatten().tolist() == pytest.approx(
            penalty.importance[name], rel=1e-6, abs=1e-6
        )
    assert spy.values == pytest.approx(penalty.values, rel=1e-6, abs=1e-9)
    assert max(penalty.values) > 0


def naive_exemplar(path, n_seen):
    """An exemplar's sample: every class seen so far shows; here channels are VOC's ids."""
    image = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)
    mask = np.array(Image.open(path.parents[1] / "SegmentationClass" / f"{path.stem}.png"))
    labels = [[value if value < n_seen else 0 for value in row] for row in mask.tolist()]
    transform = eval_preset(CROP)
    return transform(tv_tensors.Image(image), tv_tensors.Mask(torch.tensor(labels)))


def test_smib_with_its_memory(tmp_path):
    """CE + 10 UNKD on the step's images, old labels visible, and the exemplars of earlier steps."""
    benchmark = tiny_benchmark(tmp_path, task="10-5", old_labels="visible")
    strategy = train(SMiB, benchmark, memory=1)
    exemplars = [e for c in strategy.replay.memory.exemplars.values() for e in c]
    assert {e.step for e in exemplars} == {0, 1, 2}
    files = benchmark.train_stream[0].data.split.images

    def memory(step):
        chosen = sorted((e.step, e.image) for e in exemplars if e.step < step)
        return [naive_exemplar(files[image], 11 + 5 * step) for _, image in chosen]

    def smib(output, labels, n_old, old):
        loss = cross_entropy(output, labels, n_old, old)
        if old is None:
            return loss
        return loss + 10 * plain.unbiased_kd(output.logits, old.logits, labels)

    expected = tiny_model(seed=2).double()
    plain.train_plainly(expected, benchmark, smib, balanced=True, memory=memory)
    assert_same_weights(strategy.model, expected)


METHODS = [EWC, ILT, LwF, LwFMC, MiB, PI, RW, SMiB]
WEIGHTS = {EWC: "penalty_weight", PI: "penalty_weight", RW: "penalty_weight"}


@pytest.mark.parametrize("strategy_class", METHODS)
@pytest.mark.parametrize("weight", [-1.0, math.inf, math.nan])
def test_weights_that_make_no_sense_are_refused(strategy_class, weight):
    options = {WEIGHTS.get(strategy_class, "kd_weight"): weight}
    with pytest.raises(ValueError, match="finite number, zero or more"):
        strategy_class(model=tiny_model(), optimizer=sgd(), evaluator=None, **options)


@pytest.mark.parametrize(
    ("strategy_class", "options"),
    [
        (LwF, {"kd_weight": 0.0}),
        (ILT, {"kd_weight": 0.0, "feature_weight": 0.0}),
        (EWC, {"penalty_weight": 0.0}),
        (PI, {"penalty_weight": 0.0}),
        (RW, {"penalty_weight": 0.0}),
    ],
)
def test_without_its_extra_terms_a_method_is_fine_tuning_bit_for_bit(
    three_steps, strategy_class, options
):
    plain_state = train(FineTuning, three_steps).model.state_dict()
    state = train(strategy_class, three_steps, **options).model.state_dict()
    assert all(value.equal(plain_state[name]) for name, value in state.items())
