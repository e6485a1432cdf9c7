"""Mixed precision on a device: near float32, losses in float32, overflows that change nothing."""

import pytest
import torch

from avalanche_seg.models import create_model
from avalanche_seg.strategies import EWC, PLOP, SSUL, FineTuning, MiB
from avalanche_seg.training import resolve_amp, sgd
from avalanche_seg.training.precision import Precision
from tests.cuda.test_methods import assert_alike, train
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark

pytestmark = [pytest.mark.cuda, pytest.mark.filterwarnings("ignore:amp=")]

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("cuda_precision"))


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
@pytest.mark.parametrize("kind", [MiB, PLOP, EWC, SSUL])
def test_two_steps_end_near_those_in_float32(kind, amp, benchmark, device):
    found = train(kind, benchmark, device, amp=amp)
    limit = 0.25 if amp == "bf16" else 0.1
    moved, _, losses, _ = found
    assert losses.dtype == torch.float32 and losses.isfinite().all() and moved.isfinite().all()
    assert_alike(found, train(kind, benchmark, CPU), limit=limit)


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
@pytest.mark.parametrize("name", ["bisenet", "deeplabv3"])
def test_networks_run_in_it(name, amp, device):
    torch.manual_seed(0)
    model = create_model(name, backbone="resnet18", classes_per_step=(5,)).to(device).eval()
    images = torch.randn(2, 3, 64, 64, device=device)
    seen = []
    hook = model.head.register_forward_hook(lambda module, given, result: seen.append(result.dtype))
    with torch.no_grad():
        output = Precision(amp, device).run(model, images)
        expected = Precision("off", device).run(model, images)
    hook.remove()
    assert seen == [torch.float16 if amp == "fp16" else torch.bfloat16, torch.float32]
    assert output.logits.dtype == torch.float32
    error = (output.logits - expected.logits).norm() / expected.logits.norm()
    assert error < (0.05 if amp == "bf16" else 0.01)


def test_an_overflow_changes_no_weight(benchmark, device):
    torch.manual_seed(0)
    model = model_of(FineTuning)
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        train_mb_size=4,
        device=device,
        amp="fp16",
        evaluator=None,
    )
    strategy.precision.scaler = torch.amp.GradScaler(device.type, init_scale=2.0**120)
    model.grow(16)
    before = {name: value.cpu().clone() for name, value in model.state_dict().items()}
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert all(value.cpu().equal(before[name]) for name, value in model.state_dict().items())
    assert strategy.precision.scaler.get_scale() < 2.0**120


def test_auto_is_what_the_device_computes_in(device):
    chosen = resolve_amp("auto", device)
    if device.type == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        assert chosen == ("bf16" if bf16 else "fp16")
    assert Precision("auto", device).amp == chosen
