"""Batches of one image, and batch norms that would see one value of them."""

import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models import BiSeNet, DenseFeatures, SegmentationModel
from avalanche_seg.plugins import FreezePlugin, SegmentationPlugin
from avalanche_seg.strategies import FineTuning, MiB
from avalanche_seg.training import sgd
from avalanche_seg.training.batch_norm import single_value_norms
from tests.models.tiny import tiny_model as with_norms_of_maps
from tests.tiny import tiny_benchmark, tiny_model


class Pooling(nn.Module):
    """A map, scaled by a batch norm of what a global pooling leaves of it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Sigmoid())

    def forward(self, images):
        features = self.conv(images)
        return DenseFeatures(features * self.attention(features))


def pooling_model():
    torch.manual_seed(0)
    return SegmentationModel(Pooling(), 4)


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("one"))


def n_images(benchmark):
    return len(benchmark.train_stream[0].dataset)


class Updates(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.n = 0

    def before_update(self, strategy, **kwargs):
        self.n += 1


def train(benchmark, model, *more, strategy_class=FineTuning, **options):
    updates = Updates()
    strategy = strategy_class(
        model=model, optimizer=sgd(0.01), evaluator=None, plugins=[updates, *more], **options
    )
    before = copy.deepcopy(dict(model.named_parameters()))
    try:
        strategy.train(benchmark.train_stream[0], eval_streams=[])
    finally:
        learned = any(not p.equal(dict(model.named_parameters())[n]) for n, p in before.items())
        assert learned == (updates.n > 0)
    return updates.n


@pytest.mark.parametrize("make_model", [pooling_model, lambda: BiSeNet("resnet18")])
@pytest.mark.parametrize("strategy_class", [FineTuning, MiB])
def test_a_batch_size_of_one_is_refused_before_anything_is_learned(
    make_model, strategy_class, benchmark
):
    with pytest.raises(ValueError, match=r"^train_mb_size=1 .*batch norm 'network.*two images"):
        train(benchmark, make_model(), strategy_class=strategy_class, train_mb_size=1)


@pytest.mark.parametrize("below", [1, 2])
def test_a_last_batch_of_one_is_refused_at_the_first(below, benchmark):
    n = n_images(benchmark)
    size = n - 1 if below == 1 else (n - 1) // 2
    assert n % size == 1, "the last batch is not one image"
    options = {"train_mb_size": size, "loader": {"drop_last": False}}
    with pytest.raises(ValueError, match=f"drop_last=False and {n} images .*leave drop_last out"):
        train(benchmark, pooling_model(), **options)


def test_a_step_of_one_image_is_refused(benchmark):
    sampler = torch.utils.data.SequentialSampler(range(1))
    with pytest.raises(ValueError, match=r"batch norm 'network\.attention\.1' sees one value"):
        train(benchmark, pooling_model(), train_mb_size=1, loader={"sampler": sampler})


@pytest.mark.parametrize(
    ("model", "plugins"),
    [
        (tiny_model(), ()),
        (with_norms_of_maps(), ()),
        (pooling_model(), (FreezePlugin(batch_norm=True),)),
    ],
    ids=["no norm", "norms of maps", "frozen norms"],
)
def test_what_one_image_is_enough_for_trains_with_it(model, plugins, benchmark):
    n = n_images(benchmark)
    assert train(benchmark, model, *plugins, train_mb_size=1) == n
    options = {"train_mb_size": n - 1, "loader": {"drop_last": False}}
    assert train(benchmark, copy.deepcopy(model), *plugins, **options) == 2


def test_other_errors_of_a_model_are_passed_on(benchmark):
    class Broken(Pooling):
        def forward(self, images):
            raise ValueError("mine")

    model = SegmentationModel(Broken(), 4)
    with pytest.raises(ValueError, match=r"^mine$"):
        train(benchmark, model, train_mb_size=1)


def test_names_are_those_of_norms_in_training_and_the_hooks_are_gone():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(2))
    with single_value_norms(model) as names:
        model(torch.zeros(3, 2, 4, 4))
    assert names == ["2"]
    with single_value_norms(model.eval()) as names:
        model(torch.zeros(1, 2, 4, 4))
    assert names == []
    assert not any(module._forward_pre_hooks for module in model.modules())
