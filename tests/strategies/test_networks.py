"""The newer methods on DeepLabV3 and adapted networks, and networks that lack what they need."""

import pytest
import torch
from torch import nn

from avalanche_seg.models import BiSeNet, DeepLabV3, as_incremental, create_model
from avalanche_seg.plugins import LocalPODPlugin
from avalanche_seg.strategies import (
    DFT,
    DKD,
    DKDM,
    EWF,
    EWFPLOP,
    LGKD,
    PLOP,
    SSUL,
    SSULM,
    FineTuning,
)
from tests.adapted import BY_NAME, Plain
from tests.strategies.test_adapted_networks import Once
from tests.strategies.test_contract import make
from tests.tiny import tiny_benchmark

NEWER = [PLOP, SSUL, SSULM, DKD, DKDM, EWF, EWFPLOP, DFT, LGKD]


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("networks"))


def deeplab(**options):
    return DeepLabV3("resnet18", aux=True, **options)


def adapted(**options):
    taps = {"layer1": "first", "layer2": "second"}
    return as_incremental(Plain("aux"), aux=["aux"], taps=taps, body="first", **options)


def library(**options):
    """Of a network with a 3x3 classifier."""
    return create_model("smp:Unet/resnet18", **BY_NAME["smp:Unet/resnet18"], **options)


@pytest.mark.parametrize("network", [deeplab, adapted, library])
@pytest.mark.parametrize("method", NEWER)
def test_two_steps_train(method, network, benchmark):
    torch.manual_seed(0)
    model = network(**method.model_options)
    strategy = make(method, model, plugins=[Once()])
    for experience in benchmark.train_stream:
        before = {name: value.clone() for name, value in model.state_dict().items()}
        strategy.train(experience, eval_streams=[])
        now = model.state_dict()
        assert any(not value.equal(now[name]) for name, value in before.items())
    assert model.classes_per_step == [16, 5]
    assert all(value.isfinite().all() for value in now.values())
    labels = model.predict(torch.zeros(1, 3, 45, 63, dtype=torch.uint8))
    assert labels.shape == (1, 45, 63) and labels.max() < 21


class Bare(nn.Module):
    """Logits of all classes, without a head that grows."""

    def __init__(self):
        super().__init__()
        self.classifier = nn.Conv2d(3, 21, 1)

    def forward(self, images):
        return self.classifier(images)


@pytest.mark.parametrize("method", NEWER)
def test_a_network_without_incremental_heads_is_refused(method, benchmark):
    model = Bare()
    before = model.classifier.weight.clone()
    with pytest.raises(ValueError, match=r"Bare has no IncrementalHead|needs a SegmentationModel"):
        make(method, model).train(benchmark.train_stream[0], eval_streams=[])
    assert model.classifier.weight.equal(before)


@pytest.mark.parametrize("method", [SSUL, SSULM, DKD, DKDM])
@pytest.mark.parametrize(
    ("network", "remedy"),
    [
        (lambda: BiSeNet("resnet18"), r"BiSeNet\(head="),
        (adapted, r"as_incremental\(network, head="),
        (library, r"create_model\('smp:Unet/resnet18', head="),
    ],
)
def test_a_model_without_the_channels_is_refused_at_once(method, network, remedy):
    with pytest.raises(
        ValueError, match=rf"{method.__name__} needs one with .*make it by {remedy}"
    ):
        make(method, network())


def test_pod_of_a_map_that_a_network_does_not_have_is_refused_before_step_0(benchmark):
    model = as_incremental(Plain())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    strategy = make(FineTuning, model, plugins=[LocalPODPlugin(taps=["layer4"])])
    with pytest.raises(ValueError, match=r"layer4"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert all(before[name].equal(p) for name, p in model.named_parameters() if name in before)
