"""The watch on a GPU that computes nothing can fail; and no loss fails at it."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from avalanche_seg import losses
from avalanche_seg.kernels import pixel_losses, pooled_norms
from avalanche_seg.losses import Classification, cross_entropy
from tests.fake_device import CUDA, META, WaitError, needs_fake_gpu, twin_of, watched, with_backward

pytestmark = [needs_fake_gpu, pytest.mark.usefixtures("without_triton")]

WAITS = {
    "reads a value": [
        lambda x: x.sum().item(),
        lambda x: float(x.sum()),
        lambda x: bool((x > 0).any()),
        lambda x: x.flatten().tolist(),
        lambda x: x[torch.zeros((), dtype=torch.int64, device=x.device)],
        lambda x: torch.nn.functional.one_hot(x.long()),
        lambda x: x.equal(x),
        lambda x: x.nonzero(),
        lambda x: x.unique(),
        lambda x: x.long().flatten().bincount(),
        lambda x: x.masked_select(x > 0),
    ],
    "by a mask": [
        lambda x: x[x > 0],
        lambda x: x.__setitem__(x > 0, torch.ones(2, device=x.device)),
    ],
    "from the device": [
        lambda x: x.cpu(),
        lambda x: x.to("cpu", non_blocking=True),
        lambda x: torch.zeros(4).copy_(x[0]),
    ],
    "to the device without": [
        lambda x: torch.zeros(3).to(x.device),
        lambda x: torch.tensor([1.0, 2.0], device=x.device),
        lambda x: x.new_tensor(1.0),
        lambda x: x.copy_(torch.zeros(2, 4)),
    ],
    "of two devices": [
        lambda x: x + torch.ones(4),
        lambda x: x[torch.tensor([1])],
        lambda x: torch.cat([x, torch.ones(2, 4)]),
    ],
    "depends on values": [
        lambda x: x.repeat_interleave(torch.ones(2, dtype=torch.int64, device=x.device), dim=0),
    ],
}
FINE = [
    lambda x: torch.zeros(3).to(x.device, non_blocking=True),
    lambda x: x + torch.ones(()),
    lambda x: torch.full((), 3.0, device=x.device),
    lambda x: torch.where(x > 0, 1.0, x),
    lambda x: x.__setitem__(x > 0, 1.0),
    lambda x: x[torch.zeros(1, dtype=torch.int64, device=x.device)],
]


@pytest.mark.parametrize("why", WAITS)
def test_the_watch_fails_at_what_waits(why):
    with watched(FakeTensorMode()):
        x = torch.zeros(2, 4, device=CUDA)
        for step in WAITS[why]:
            with pytest.raises(WaitError, match=why):
                step(x)


def test_it_lets_everything_else_pass():
    with watched(FakeTensorMode()):
        for step in FINE:
            step(torch.zeros(2, 4, device=CUDA))


def test_mixed_precision_is_on():
    with watched(FakeTensorMode()), torch.autocast("cuda", torch.bfloat16):
        weight = torch.zeros(1, 1, 1, 1, device=CUDA)
        assert nn.functional.conv2d(weight, weight).dtype == torch.bfloat16


def test_it_watches_meta_tensors_too():
    with watched(None):
        x = torch.zeros(2, 4, device=META, requires_grad=True)
        x.square().sum().backward()
        assert x.grad.shape == x.shape
        for why in WAITS.keys() - {"depends on values"}:
            with pytest.raises((WaitError, RuntimeError)):
                WAITS[why][0](x.detach())


def test_a_loss_that_waits_or_leaves_something_behind_is_found():
    class Reads(Classification):
        def level(self, logits, batch):
            return cross_entropy(logits, batch.target) / max(1, (batch.target > 0).sum().item())

    class Picks(Classification):
        def level(self, logits, batch):
            return cross_entropy(logits, batch.target, reduction="none")[batch.target > 0].mean()

    class Left(Classification):
        weights = torch.ones(3)

        def level(self, logits, batch):
            return (logits.mean(dim=(0, 2, 3)) * self.weights).sum()

    mode = FakeTensorMode()
    batch = losses.StepBatch(None, torch.zeros(2, 8, 8).long(), _Output(), n_old=0, step=0)
    for objective in (Reads(), Picks(), Left()):
        objective(batch)  # On the CPU nothing is wrong with it.
        with pytest.raises(WaitError), watched(mode):
            objective(twin_of(batch, mode))


class _Output:
    """Three channels, no auxiliary output."""

    def __init__(self):
        self.logits, self.aux, self.features = torch.zeros(2, 3, 4, 4), (), {}


def test_a_twin_has_the_shapes_and_shares_what_was_shared():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).requires_grad_()
    network[0].weight.requires_grad_(False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    mode = FakeTensorMode()
    twin, of_twin = twin_of([network, optimizer], mode)
    assert {p.device for p in [*twin.parameters(), *twin.buffers()]} == {CUDA}
    assert [p.requires_grad for p in twin.parameters()] == [False, True, True, True]
    assert [id(p) for p in of_twin.param_groups[0]["params"]] == [id(p) for p in twin.parameters()]
    assert {p.device.type for p in network.parameters()} == {"cpu"}
    with watched(mode):
        assert twin(torch.zeros(1, 3, 5, 5, device=CUDA)).shape == (1, 4, 3, 3)


PIXELS = {
    "cross_entropy": {},
    "unbiased_cross_entropy": {"n_old": 3},
    "binary_cross_entropy": {},
    "annotated_cross_entropy": {"annotated": torch.tensor([[True] * 5, [False] * 5])},
    "auxiliary_binary_cross_entropy": {"n_old": 2},
    "distillation": {"teacher": 3},
    "unbiased_distillation": {"teacher": 3, "size": (9, 8)},
    "icarl_distillation": {"teacher": 3},
    "label_guided_distillation": {"teacher": 3},
    "mib_loss": {"n_old": 3, "teacher": 3},
}


@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@pytest.mark.parametrize("name", PIXELS)
def test_no_loss_waits(name, reduction, monkeypatch):
    arguments = dict(PIXELS[name])
    teacher = arguments.pop("teacher", None)
    tensors = [torch.zeros(2, 5, 4, 4)]
    if name.endswith(("entropy", "guided_distillation", "mib_loss")):
        tensors.append(torch.zeros(2, 9, 8, dtype=torch.int64))
    if teacher is not None:
        tensors.append(torch.zeros(2, teacher, 4, 4))
    for mode, device in ((None, META), (FakeTensorMode(), CUDA)):
        given, named = twin_of([tensors, arguments], mode)
        given[0].requires_grad_()
        if mode is not None:
            function = pixel_losses.__globals__["_PixelLosses"]
            monkeypatch.setattr(function, "apply", with_backward(function))
        with watched(mode):
            loss = getattr(losses, name)(*given, reduction=reduction, **named)
            for part in loss if isinstance(loss, tuple) else (loss,):
                assert part.device == device
                if mode is None:
                    part.sum().backward(retain_graph=True)
                    assert given[0].grad.shape == (2, 5, 4, 4)


@pytest.mark.parametrize("size", [(8, 8), (9, 7), (3, 2)])
def test_neither_does_local_pod(size, monkeypatch):
    function = pooled_norms.__globals__["_PooledNorms"]
    for mode in (None, FakeTensorMode()):
        ours, theirs = twin_of([torch.zeros(2, 3, *size), torch.zeros(2, 3, *size)], mode)
        ours.requires_grad_()
        if mode is not None:
            monkeypatch.setattr(function, "apply", with_backward(function))
        with watched(mode):
            distance = losses.local_pod(ours, theirs)
            if mode is None:
                distance.backward()
                assert ours.grad.shape == ours.shape
