"""Every loss on a device, every reduction, as on the CPU in float64."""

import pytest
import torch

from avalanche_seg import losses
from tests.cuda.comparing import assert_same, on
from tests.losses.batches import random_labels, random_logits

pytestmark = pytest.mark.cuda

SOURCE, SIZE = (5, 7), (19, 30)
C, K = 7, 4
ANNOTATED = torch.tensor([[True] * C, [False] * 3 + [True] * 4])
PIXELS = {
    "cross_entropy": {},
    "unbiased_cross_entropy": {"n_old": K},
    "binary_cross_entropy": {},
    "annotated_cross_entropy": {"annotated": ANNOTATED},
    "auxiliary_binary_cross_entropy": {"n_old": K, "positive_weight": 2.0},
    "distillation": {"size": SIZE},
    "unbiased_distillation": {"size": SIZE, "teacher_scale": 2.0},
    "icarl_distillation": {"size": SIZE},
    "label_guided_distillation": {},
    "mib_loss": {"n_old": K},
}
OF_LABELS = ("entropy", "guided_distillation", "mib_loss")
OF_TEACHER = ("distillation", "mib_loss")


def tensors_of(name, dtype, scale):
    tensors = [random_logits(C, SOURCE, seed=1, scale=scale).to(dtype).requires_grad_()]
    if name.endswith(OF_LABELS):
        tensors.append(random_labels(C, SIZE, seed=2))
    if name.endswith(OF_TEACHER):
        tensors.append(random_logits(K, SOURCE, seed=3, scale=scale).to(dtype))
    return tensors


@pytest.mark.parametrize("name", PIXELS)
@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("scale", [3.0, 120.0])
def test_pixel_losses(name, reduction, dtype, scale, device):
    found = []
    given = tensors_of(name, dtype, scale)
    for place, wide in ((torch.device("cpu"), torch.float64), (device, dtype)):
        # Half precision is given alike to both: what is compared is what becomes of it.
        tensors = [t.to(wide) if t.is_floating_point() else t for t in on(place, given)]
        logits = tensors[0].detach().requires_grad_()
        loss = getattr(losses, name)(
            logits, *tensors[1:], reduction=reduction, **on(place, PIXELS[name])
        )
        parts = loss if isinstance(loss, tuple) else (loss,)
        sum(part.double().sum() for part in parts).backward()
        found.append(([part.detach().double() for part in parts], logits.grad.double()))
    (expected, exact), (values, gradient) = found
    for ours, theirs in zip(values, expected, strict=True):
        assert_same(ours, theirs, device, rtol=1e-4, atol=1e-4)
    limit = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 2e-2}[dtype]
    error = (gradient.cpu() - exact).norm() / exact.norm()
    assert error < limit, f"relative error of the gradient {error:.1e}"


@pytest.mark.parametrize("extra_channels", ["sum", "lse"])
def test_local_pod_and_features(extra_channels, device):
    logits, teacher = random_logits(C, (12, 16)), random_logits(K, (12, 16), seed=3)
    merged = losses.merge_new_channels(logits, K, extra_channels=extra_channels)
    assert_same(
        losses.local_pod(
            losses.merge_new_channels(on(device, logits), K, extra_channels=extra_channels),
            on(device, teacher),
        ),
        losses.local_pod(merged, teacher),
        device,
    )
    assert_same(
        losses.feature_distillation(*on(device, [logits, 2 * logits])),
        losses.feature_distillation(logits, 2 * logits),
        device,
    )


@pytest.mark.parametrize("rule", ["code", "paper"])
def test_pseudo_labels_and_their_thresholds(rule, device):
    generator = torch.Generator().manual_seed(0)
    target, predicted = random_labels(C, SIZE), random_labels(K, SIZE, seed=5, void=0.0)
    scores = torch.rand(2, *SIZE, generator=generator) / (1 if rule == "paper" else 20)
    results = []
    for place in (torch.device("cpu"), device):
        labels, classes, u = on(place, [target, predicted, scores])
        histograms = losses.score_histograms(K, rule=rule, device=place)
        losses.count_scores(histograms, classes, u, rule=rule, counted=labels < K)
        thresholds = losses.class_thresholds(histograms, rule=rule)
        results.append((thresholds, *losses.pseudo_labels(labels, classes, u, thresholds, n_old=K)))
    for ours, theirs in zip(results[1], results[0], strict=True):
        assert_same(ours, theirs, device)


def test_labels_of_extra_channels(device):
    logits, target = random_logits(C, SOURCE).float(), random_labels(C - 1, SIZE)
    salient = random_labels(2, SIZE, seed=7, void=0.0) > 0
    unknown = losses.unknown_channels(target, salient)
    sure = losses.confident_channels(logits, SIZE, threshold=0.9)
    assert_same(losses.unknown_channels(*on(device, [target, salient])), unknown, device)
    on_device = losses.confident_channels(on(device, logits), SIZE, threshold=0.9)
    assert (on_device.cpu() != sure).double().mean() < 1e-2  # Sigmoids beside the threshold.
    assert_same(
        losses.complete_labels(*on(device, [unknown, sure])),
        losses.complete_labels(unknown, sure),
        device,
    )


def test_weights_of_images_and_pixels(device):
    maps, weight = random_logits(1, SIZE)[:, 0].abs(), torch.tensor([0.25, 2.0]).double()
    for given in ([maps, weight], [maps, maps / 2]):
        assert_same(
            losses.weighted_reduction(*on(device, given)), losses.weighted_reduction(*given), device
        )
