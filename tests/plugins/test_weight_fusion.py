"""EWF's fusion over any method, in any strategy."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.losses import CrossEntropy
from avalanche_seg.models import BiSeNet, load_model, save_model
from avalanche_seg.plugins import EWCPlugin, FreezePlugin, SegmentationPlugin, WeightFusionPlugin
from avalanche_seg.strategies import EWF
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.tiny import tiny_benchmark, tiny_model


@pytest.mark.parametrize(
    ("n_old", "n_new", "share"),
    [(16, 1, 0.243), (16, 5, 0.488), (101, 50, 0.575), (101, 10, 0.300)],
)
def test_published_shares(n_old, n_new, share):
    assert WeightFusionPlugin().share_of(n_old=n_old, n_new=n_new) == pytest.approx(share, abs=5e-4)


class Watch(SegmentationPlugin):
    def before_train_dataset_adaptation(self, strategy, **kwargs):
        self.before = copy.deepcopy(strategy.model.state_dict())

    def after_training_epoch(self, strategy, **kwargs):
        self.trained = copy.deepcopy(strategy.model.state_dict())


class Plain(SupervisedTemplate):
    def _unpack_minibatch(self):
        super()._unpack_minibatch()
        self.mbatch[1] = self.mbatch[1].long()

    def criterion(self):
        return CrossEntropy()(self.mb_output.logits, self.mb_y)


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    root = tmp_path_factory.mktemp("fusion")
    return tiny_benchmark(root, train_transform=eval_preset(32, normalize=True))


@pytest.mark.parametrize("template", [SegmentationTemplate, Plain])
def test_fused_after_the_last_epoch_over_any_method(template, benchmark):
    watch, fusion, model = Watch(), WeightFusionPlugin(), tiny_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    strategy = template(
        model=model,
        optimizer=optimizer,
        train_mb_size=4,
        train_epochs=2,
        plugins=[fusion, EWCPlugin(1.0), watch],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[], drop_last=True)
    for name, value in model.state_dict().items():
        assert value.equal(watch.trained[name]), "step 0 has no previous model"
    strategy.train(benchmark.train_stream[1], eval_streams=[], drop_last=True)
    moved = watch.trained["network.first.weight"]
    assert not model.network.first.weight.equal(moved)
    m = math.sqrt(5 / 21)
    for name, value in model.state_dict().items():
        expected = watch.trained[name]
        if name in watch.before:
            expected = (1 - m) * watch.before[name] + m * expected
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_old_classifiers_rest(benchmark):
    watch, model = Watch(), tiny_model()
    strategy = SegmentationTemplate(
        model=model,
        optimizer=sgd(0.1),
        train_mb_size=4,
        plugins=[watch, FreezePlugin(old_heads=True)],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    changed = {n for n, v in watch.before.items() if not v.equal(watch.trained[n])}
    assert changed == {n for n in watch.before if n.startswith("network")}
    assert all(p.requires_grad for p in model.parameters()), "thawed"


def test_a_model_of_another_step_is_refused_before_training(benchmark):
    model = tiny_model()
    model.grow(11)  # Of a run with another task.
    strategy = SegmentationTemplate(
        model=model, optimizer=sgd(), plugins=[WeightFusionPlugin()], evaluator=None
    )
    before = model.network.first.weight.detach().clone()
    with pytest.raises(ValueError, match="step 1 follows on 16 classes and the model has 11"):
        strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert model.network.first.weight.equal(before)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_model_loaded_from_another_run_is_refused_before_training(swapped, benchmark, tmp_path):
    """One of as many classes, in another order."""
    names = list(benchmark.class_names[:16])
    if swapped:
        names[3], names[7] = names[7], names[3]
    model = BiSeNet("resnet18")
    model.grow(16)
    save_model(model, tmp_path / "model.safetensors", class_names=names)
    loaded = load_model(tmp_path / "model.safetensors").train()
    before = copy.deepcopy(loaded.state_dict())
    strategy = EWF(model=loaded, optimizer=sgd(0.01), train_mb_size=4, evaluator=None)
    if not swapped:
        strategy.train(benchmark.train_stream[1], eval_streams=[])
        assert loaded.n_classes == 21
        return
    with pytest.raises(ValueError, match=rf"its class 3 is '{names[3]}' and the .* another run"):
        strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert all(value.equal(before[name]) for name, value in loaded.state_dict().items())


def test_a_step_without_new_classes_needs_a_share():
    experience = SimpleNamespace(
        current_experience=1, previous_classes=[0, 1], classes_in_this_experience=[0, 1]
    )
    strategy = SimpleNamespace(experience=experience)
    with pytest.raises(ValueError, match="step 1 brings no class"):
        WeightFusionPlugin().before_training_exp(strategy)
    WeightFusionPlugin(0.5).before_training_exp(strategy)


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan, "1"])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="share="):
        WeightFusionPlugin(share)
