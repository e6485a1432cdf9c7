"""The kernels on a device: resize, argmax, entropy, pixel losses, pooled norms, counts."""

import pytest
import torch

from avalanche_seg.kernels import (
    AnnotatedTerms,
    GuidedTerms,
    LabelSigmoid,
    SoftmaxTerms,
    TeacherSigmoid,
    count_values,
    exp_,
    labelled_tiles,
    pixel_losses,
    pooled_norms,
    predicted_labels,
    prediction_entropy,
    resize,
    resize_logits,
    score_bound,
    use_kernels,
)
from tests.cuda.comparing import assert_same, on
from tests.losses.batches import random_labels, random_logits

pytestmark = pytest.mark.cuda

SOURCE, SIZE = (9, 13), (70, 101)
C, K = 21, 16
HIDDEN = (torch.arange(2 * C).view(2, C, 1, 1) % 3 == 0).double()
TERMS = {
    "cross entropy": (SoftmaxTerms(1, distil=False), None),
    "unbiased cross entropy": (SoftmaxTerms(K, distil=False), None),
    "distillation": (SoftmaxTerms(K, classify=False), K),
    "both": (SoftmaxTerms(K), K),
    "binary cross entropy": (LabelSigmoid(), None),
    "with void as negative": (LabelSigmoid(positive_weight=2.0, ignored_is_negative=True), None),
    "teacher's sigmoids": (TeacherSigmoid(), C),
    "label-guided": (GuidedTerms(10.0, 2.0), K),
    "annotated channels": (AnnotatedTerms(), HIDDEN),
}


def problem(teacher, scale, dtype):
    logits = random_logits(C, SOURCE, seed=1, scale=scale).to(dtype).requires_grad_()
    if teacher is None or isinstance(teacher, torch.Tensor):
        of_teacher = teacher
    else:
        of_teacher = random_logits(teacher, (5, 7), seed=2, scale=scale)
    return [
        logits,
        random_labels(C, SIZE, seed=3),
        None if of_teacher is None else of_teacher.to(dtype),
    ]


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("scale", [3.0, 80.0])
@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("kernels", ["auto", "tiles"])
def test_pixel_losses_and_their_gradients(name, scale, maps, kernels, device):
    terms, teacher = TERMS[name]
    results = []
    for place, dtype in ((torch.device("cpu"), torch.float64), (device, torch.float32)):
        logits, target, of_teacher = on(place, problem(teacher, scale, dtype))
        with use_kernels(kernels):
            losses = pixel_losses(
                terms, logits, SIZE, target=target, teacher_logits=of_teacher, maps=maps
            )
        weights = [
            torch.linspace(1, 2, loss.numel(), device=place).view_as(loss) for loss in losses
        ]
        sum((loss * weight).sum() for loss, weight in zip(losses, weights, strict=True)).backward()
        results.append((list(losses), logits.grad))
    (expected, exact), (found, gradient) = results
    for ours, theirs in zip(found, expected, strict=True):
        assert_same(ours.double(), theirs.detach(), device, rtol=1e-4, atol=1e-4)
    assert gradient.device.type == device.type and gradient.dtype == torch.float32
    error = (gradient.cpu().double() - exact).norm() / exact.norm()
    assert error < 1e-4, f"relative error of the gradient {error:.1e}"


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_predictions_and_entropy(channels_last, dtype, device):
    logits = random_logits(C, SOURCE, seed=4).to(dtype)
    if channels_last:
        logits = logits.contiguous(memory_format=torch.channels_last)
    expected, found = prediction_entropy(logits, SIZE), prediction_entropy(on(device, logits), SIZE)
    best = resize_logits(logits.double(), SIZE).topk(2, dim=1).values
    clear = best[:, 0] - best[:, 1] > 1e-4  # Rounding may tell others apart either way.
    assert clear.double().mean() > 0.99
    for labels in (found.labels, predicted_labels(on(device, logits), SIZE)):
        assert labels.device.type == device.type
        assert labels.cpu()[clear].equal(expected.labels[clear])
    assert_same(found.entropy, expected.entropy, device, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("tiles")
def test_scores_of_a_models_own(device):
    def merged(tile):
        return torch.cat([tile[:, :1].maximum(tile[:, 1:2]), tile[:, 2:]], dim=1)

    logits = random_logits(C, SOURCE, seed=5).float()
    assert_same(
        predicted_labels(on(device, logits), SIZE, merged),
        predicted_labels(logits, SIZE, merged),
        device,
    )
    for tile in labelled_tiles(on(device, logits), SIZE, with_scores=True):
        assert tile.scores is not None and tile.scores.device.type == device.type


@pytest.mark.parametrize("size", [(8, 8), (9, 7), (33, 65), (3, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pooled_norms_and_their_gradient(size, dtype, device):
    ours, theirs = random_logits(6, size).to(dtype), random_logits(6, size, seed=9).to(dtype)
    ours.requires_grad_()
    results = []
    for place in (torch.device("cpu"), device):
        features, teacher = on(place, [ours, theirs])
        norms = pooled_norms(features, teacher, (1, 2, 4))
        norms.square().sum().backward()
        results.append((norms.detach(), features.grad))
    (expected, exact), (found, gradient) = results
    rough = 1e-2 if dtype == torch.bfloat16 else 1e-4
    assert_same(found, expected, device, rtol=1e-4)
    assert_same(gradient, exact, device, rtol=rough, atol=rough)


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 5), (7, 33), (32, 512), (9, 9), (13, 4)])
def test_resize_matrices_are_the_same_to_the_last_bit(n_in, n_out, device):
    for dtype in (torch.float32, torch.float64):
        found = resize.bilinear_matrix(n_in, n_out, dtype, device)
        assert found.device.type == device.type
        assert found.cpu().equal(resize.bilinear_matrix(n_in, n_out, dtype, torch.device("cpu")))


@pytest.mark.parametrize("n_values", [3, 442, 22_802, 65_025 * 16])
def test_counts(n_values, device):
    values = torch.randint(n_values, (4, 300, 301), generator=torch.Generator().manual_seed(0))
    values[:3] = 1  # As the background does, one value comes far more often than others.
    assert_same(count_values(on(device, values), n_values), count_values(values, n_values), device)


def test_exponentials_and_bounds(device):
    scores = random_logits(4).float()
    assert_same(exp_(on(device, scores)), exp_(scores.clone()), device, rtol=1e-5)
    bound = score_bound(on(device, scores))
    assert bound == (score_bound(scores) if device.type == "cpu" else float("inf"))


def test_second_derivatives_are_those_of_the_plain_formula(device):
    terms, teacher = TERMS["both"]
    results = []
    for place in (torch.device("cpu"), device):
        logits, target, of_teacher = on(place, problem(teacher, 3.0, torch.float64))
        losses = pixel_losses(terms, logits, SIZE, target=target, teacher_logits=of_teacher)
        (slope,) = torch.autograd.grad(sum(losses), logits, create_graph=True)
        (second,) = torch.autograd.grad(slope.square().sum(), logits)
        results.append(second)
    assert_same(results[1], results[0], device)
