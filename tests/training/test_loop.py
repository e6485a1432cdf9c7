"""Batches in parts, and precision: the same training, cheaper."""

import shutil

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.metrics import loss_term_metrics
from avalanche_seg.plugins import EWCPlugin, SegmentationPlugin
from avalanche_seg.strategies import DFT, LGKD, FineTuning, MiB
from avalanche_seg.training import sgd
from tests.strategies.test_contract import INCREMENTAL, make, model_of
from tests.tiny import tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("loop"))


def trained(strategy_class, benchmark, *plugins, steps=2, **options):
    model = model_of(strategy_class, seed=3).to(options.pop("dtype", torch.float32))
    strategy = make(strategy_class, model, plugins=plugins, **options)
    torch.manual_seed(0)
    for experience in benchmark.train_stream[:steps]:
        strategy.train(experience, eval_streams=[])
    return strategy


def weights(strategy):
    return strategy.model.state_dict()


# A mean over the pixels that are not void, as LGKD's, is another one in parts.
OVER_ALL = {LGKD: {"guided_reduction": "mean_all"}}


@pytest.mark.parametrize("strategy_class", [*INCREMENTAL, DFT])
@pytest.mark.parametrize("parts", [2, 3])
def test_a_batch_in_parts_gives_the_same_weights_and_importances(strategy_class, parts, benchmark):
    """A part has two images at least, so 4 images in three parts are two."""
    options = OVER_ALL.get(strategy_class, {})
    whole, split = (
        trained(strategy_class, benchmark, micro_batches=n, **options) for n in (1, parts)
    )
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(split)[name], value, rtol=1e-4, atol=1e-6)
    penalties = [getattr(strategy.plugins[0], "penalty", None) for strategy in (whole, split)]
    if penalties[0] is not None:
        for name, value in penalties[0].anchors.items():
            torch.testing.assert_close(penalties[1].anchors[name], value, rtol=1e-4, atol=1e-6)


def test_an_uneven_last_part_counts_by_its_share(benchmark):
    class Losses(SegmentationPlugin):
        def __init__(self):
            super().__init__()
            self.values = []

        def after_training_iteration(self, strategy, **kwargs):
            self.values.append((strategy.loss.item(), dict(strategy.loss_terms)))

    found = []
    for parts in (1, 3):
        losses = Losses()
        trained(FineTuning, benchmark, losses, micro_batches=parts, train_mb_size=5)
        found.append(losses.values)
    assert len(found[0]) == len(found[1]) > 2
    for (one, terms_one), (many, terms_many) in zip(*found, strict=True):
        assert many == pytest.approx(one, rel=1e-4)
        assert terms_many.keys() == terms_one.keys()
        assert terms_many["classification"].item() == pytest.approx(one, rel=1e-4)


def test_no_part_has_one_image(benchmark):
    class Sizes(SegmentationPlugin):
        def __init__(self):
            super().__init__()
            self.values = set()

        def before_forward(self, strategy, **kwargs):
            self.values.add(len(strategy.mb_x))

    sizes = Sizes()
    trained(FineTuning, benchmark, sizes, micro_batches=3, train_mb_size=7, steps=1)
    assert sizes.values == {2, 3}


def test_parts_call_the_model_more_often_and_the_optimizer_as_often(benchmark):
    class Count(SegmentationPlugin):
        forwards = updates = iterations = 0

        def before_forward(self, strategy, **kwargs):
            self.forwards += 1
            assert len(strategy.mb_x) == 2

        def before_update(self, strategy, **kwargs):
            self.updates += 1

        def after_training_iteration(self, strategy, **kwargs):
            self.iterations += 1

    count = Count()
    trained(FineTuning, benchmark, count, micro_batches=2, steps=1)
    assert count.forwards == 2 * count.updates == 2 * count.iterations > 0


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
@pytest.mark.parametrize("strategy_class", [*INCREMENTAL, DFT])
def test_half_precision_trains_every_method_close_to_full(strategy_class, amp, benchmark):
    full = trained(strategy_class, benchmark)
    half = trained(strategy_class, benchmark, amp=amp)
    for name, value in weights(full).items():
        assert weights(half)[name].dtype == torch.float32
        torch.testing.assert_close(weights(half)[name], value, rtol=0.1, atol=0.02)
    assert any(not value.equal(weights(half)[name]) for name, value in weights(full).items())


def test_networks_run_in_half_precision_and_losses_in_full(benchmark):
    class Types(SegmentationPlugin):
        inside = outside = None

        def before_forward(self, strategy, **kwargs):
            def note(module, inputs, output):
                self.inside = output.dtype

            self.handle = strategy.model.network.first.register_forward_hook(note)

        def after_forward(self, strategy, **kwargs):
            self.handle.remove()
            output = strategy.mb_output
            self.outside = {output.logits.dtype, output.features["head"].dtype, output.aux[0].dtype}

    types = Types()
    trained(FineTuning, benchmark, types, steps=1, amp="bf16")
    assert types.inside == torch.bfloat16 and types.outside == {torch.float32}


class Gradients(SegmentationPlugin):
    """Notes the gradient that plugins see, and poisons one iteration's."""

    def __init__(self, poisoned=None):
        super().__init__()
        self.norms = []
        self.iteration = 0
        self.poisoned = poisoned

    def after_backward(self, strategy, **kwargs):
        if self.iteration == self.poisoned:
            strategy.model.network.first.weight.grad[0] = torch.inf
        self.iteration += 1

    def before_update(self, strategy, **kwargs):
        self.norms.append(strategy.model.network.first.weight.grad.norm().item())


def test_plugins_see_unscaled_gradients_in_fp16(benchmark):
    full, half = Gradients(), Gradients()
    trained(FineTuning, benchmark, full, steps=1)
    strategy = trained(FineTuning, benchmark, half, steps=1, amp="fp16")
    assert strategy.precision.scaler.get_scale() > 1000
    assert half.norms == pytest.approx(full.norms, rel=0.05)


def test_an_overflow_in_fp16_changes_neither_weights_nor_importances(benchmark):
    poisoned = Gradients(poisoned=0)
    ewc = EWCPlugin(1.0)
    strategy = trained(FineTuning, benchmark, ewc, poisoned, steps=1, amp="fp16", train_mb_size=15)
    untouched = tiny_model(seed=3)
    assert poisoned.norms == [], "no update, no before_update"
    for name, value in untouched.network.state_dict().items():
        assert value.equal(weights(strategy)[f"network.{name}"])
    assert all(value.eq(1).all() for value in ewc.importance.fisher.values())
    assert strategy.precision.scaler.get_scale() < 65536


def test_loss_terms_of_all_parts_are_logged(benchmark):
    evaluator = EvaluationPlugin(loss_term_metrics(), loggers=[])
    strategy = make(MiB, tiny_model(), evaluator=evaluator, micro_batches=2, optimizer=sgd(0.01))
    for experience in benchmark.train_stream:
        metrics = strategy.train(experience, eval_streams=[])
    (terms,) = [value for name, value in metrics.items() if name.startswith("LossTerms")]
    assert terms.keys() == {"classification", "unkd"}


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_trains_alike(benchmark):
    plain, compiled = (trained(MiB, benchmark, compile=on) for on in (False, True))
    assert weights(plain).keys() == weights(compiled).keys()
    for name, value in weights(plain).items():
        torch.testing.assert_close(weights(compiled)[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("option", [{"amp": "half"}, {"micro_batches": 0}])
def test_bad_options(option):
    name, value = next(iter(option.items()))
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        make(FineTuning, tiny_model(), **option)
