"""What every network of another library, and every plain one, does under the methods."""

import copy

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.metrics import mean_iou_metrics
from avalanche_seg.models import as_incremental, load_model, save_model
from avalanche_seg.plugins import (
    BalancedInitPlugin,
    CheckpointPlugin,
    PolyLRPlugin,
    SegmentationPlugin,
    TeacherPlugin,
)
from avalanche_seg.strategies import EWC, ILT, FineTuning, LwFMC, MiB, SMiB
from avalanche_seg.training import sgd
from tests.adapted import FOREIGN, NETWORKS, Plain, adapted
from tests.distributed import in_processes, save
from tests.tiny import tiny_benchmark

METHODS = [MiB, ILT, LwFMC, EWC, SMiB, FineTuning]
# With parameters that no output depends on; with an auxiliary head; with normalised tokens.
FEW = ["smp:Unet/resnet18", "aux", "hf:segformer"]


class Once(SegmentationPlugin):
    """Ends every step after one batch."""

    def after_training_iteration(self, strategy, **kwargs):
        strategy.stop_training()


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("adapted"))


@pytest.fixture(scope="module", params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    """An adapted network before step 0; to be copied."""
    return adapted(name)


def make(method, model, **options):
    plugins = [Once(), *options.pop("plugins", ())]
    return method(model=model, optimizer=sgd(0.01), train_mb_size=4, plugins=plugins, **options)


@pytest.mark.parametrize("method", METHODS)
def test_two_steps_train_and_the_heads_grow(method, network, benchmark):
    model = copy.deepcopy(network)
    options = {"memory": 1} if method is SMiB else {}
    strategy = make(method, model, evaluator=None, **options)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    before = copy.deepcopy(model.state_dict())
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert {head.out_channels for head in model.heads} == {21}
    untouched = {name for name, p in model.named_parameters() if p.grad is None}
    assert untouched == set(model.frozen), "or DistributedDataParallel would wait for them"
    after = model.state_dict()
    assert all(before[name].equal(after[name]) for name in untouched)
    assert any(not before[name].equal(after[name]) for name in before)
    if method is MiB:
        teacher = next(p for p in strategy.plugins if isinstance(p, TeacherPlugin)).teacher
        assert all(before[name].equal(value) for name, value in teacher.model.state_dict().items())


def test_old_logits_survive_and_any_size_is_taken(name, network, tmp_path):
    model = copy.deepcopy(network)
    model.grow(5)
    model.eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (2, 3, 45, 63), dtype=torch.uint8, generator=generator)
    with torch.no_grad():
        before = model(images).logits
        model.grow(2)
        after = model(images).logits
    torch.testing.assert_close(after[:, :5], before, rtol=1e-4, atol=1e-5)
    labels = model.predict(images)
    assert labels.shape == (2, 45, 63) and labels.max() < 7
    assert model.predict(images[:1, :, :33, :40]).shape == (1, 33, 40)

    save_model(model, tmp_path / "m.safetensors", class_names=[f"c{k}" for k in range(7)])
    given = FOREIGN[name][0]() if name in FOREIGN else None
    loaded = load_model(tmp_path / "m.safetensors", network=given)
    assert (loaded.name, loaded.config) == (model.name, model.config)
    assert loaded.predict(images).equal(labels)


class BrokenOffError(Exception):
    """What stands for a kill."""


class BreakOff(SegmentationPlugin):
    """Raises in step 1."""

    def before_backward(self, strategy, **kwargs):
        if strategy.experience.current_experience == 1:
            raise BrokenOffError


def test_a_resumed_training_ends_with_the_same_weights(network, benchmark, tmp_path):
    def train(path, *breaking):
        torch.manual_seed(1)  # Dropout.
        checkpoint = CheckpointPlugin(path)
        plugins = [PolyLRPlugin(), *breaking, checkpoint]
        strategy = make(MiB, copy.deepcopy(network), plugins=plugins, evaluator=None)
        for experience in checkpoint.remaining(strategy, benchmark.train_stream):
            strategy.train(experience, eval_streams=[])
        return strategy.model.state_dict()

    whole = train(tmp_path / "whole.pt")
    with pytest.raises(BrokenOffError):
        train(tmp_path / "state.pt", BreakOff())
    resumed = train(tmp_path / "state.pt")
    assert resumed.keys() == whole.keys()
    assert all(value.equal(resumed[name]) for name, value in whole.items())


@pytest.mark.parametrize("name", FEW)
def test_half_precision_and_evaluation(name, benchmark):
    iou = mean_iou_metrics()[0]
    evaluator = EvaluationPlugin(iou, collect_all=False)
    strategy = make(
        MiB, adapted(name), amp="bf16", channels_last=True, eval_mb_size=7, evaluator=evaluator
    )
    strategy.train(benchmark.train_stream, eval_streams=[])
    strategy.eval([benchmark.test_stream[0]])
    assert iou.matrix.shape == (21, 21)
    assert iou.matrix.sum() > 0
    assert all(p.isfinite().all() for p in strategy.model.parameters())


@pytest.mark.parametrize("name", FEW[1:])
def test_a_compiled_network_computes_the_same(name):
    model = adapted(name)
    model.grow(5)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    gradients = []
    for run in (model, torch.compile(copy.deepcopy(model), backend="aot_eager", fullgraph=True)):
        torch.manual_seed(0)
        output = run.train()(images)
        (output.logits.square().mean() + sum(a.square().mean() for a in output.aux)).backward()
        gradients.append({n: p.grad for n, p in run.named_parameters() if p.requires_grad})
    plain, compiled = gradients
    compiled = {name.removeprefix("_orig_mod."): value for name, value in compiled.items()}
    torch.testing.assert_close(compiled, plain, rtol=1e-3, atol=1e-6)


def two_steps(name, root, result):
    benchmark = tiny_benchmark(root)
    model = adapted(name)
    strategy = make(MiB, model, evaluator=None)
    strategy.train(benchmark.train_stream, eval_streams=[])
    save(result, model.state_dict())


@pytest.mark.parametrize("name", ["logits", "aux"])
def test_two_processes_end_with_one_model(name, tmp_path):
    """Of the first, some parameters get no gradient, for which the processes would wait."""
    assert bool(adapted(name).frozen) == (name == "logits")
    tiny_benchmark(tmp_path)
    in_processes(two_steps, 2, name, tmp_path, tmp_path / "model")
    first, second = (torch.load(tmp_path / f"model.{rank}", weights_only=True) for rank in (0, 1))
    assert all(value.equal(second[name]) for name, value in first.items())


def test_a_trained_network_is_step_0(benchmark):
    torch.manual_seed(0)
    network = Plain("dict", kernel=3)
    network.classifier = torch.nn.Conv2d(8, 16, 3, padding=1)
    model = as_incremental(network, keep_classifier=True)
    strategy = make(FineTuning, model, plugins=[BalancedInitPlugin()], evaluator=None)
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert model.classes_per_step == [16, 5]
