"""MiB against a training loop written from the formulas."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from avalanche_seg.plugins import PolyLRPlugin
from avalanche_seg.strategies import MiB, sgd
from tests.tiny import tiny_benchmark, tiny_model

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH, EPOCHS, LR, LR_LATER, WEIGHT = 4, 2, 0.02, 0.01, 10.0


def probabilities(logits, size):
    resized = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
    return torch.softmax(resized, dim=1)


def unbiased_ce(logits, labels, n_old):
    """Probabilities summed, not log-sum-exp: another way to write eq. 5."""
    p = probabilities(logits, labels.shape[-2:])
    old = p[:, : max(n_old, 1)].sum(dim=1)
    total = 0.0
    for channel in range(p.shape[1]):
        chosen = old if channel < n_old else p[:, channel]
        total = total - (chosen.log() * (labels == channel)).sum()
    return total / labels.numel()


def unbiased_kd(logits, teacher_logits, size):
    p, q = probabilities(logits, size), probabilities(teacher_logits, size)
    n_old = q.shape[1]
    background = p[:, 0] + p[:, n_old:].sum(dim=1)
    total = (q[:, 0] * background.log()).sum()
    for channel in range(1, n_old):
        total = total + (q[:, channel] * p[:, channel].log()).sum()
    return -total / n_old / p[:, 0].numel()


def reference(model, benchmark):
    """MiB in plain PyTorch."""
    teacher = None
    for step, experience in enumerate(benchmark.train_stream):
        n_old, n_new = len(experience.previous_classes), len(experience.classes_in_this_experience)
        for head in model.heads:
            head.grow(n_new)
            if step > 0:
                with torch.no_grad():
                    first, new = head.classifiers[0], head.classifiers[-1]
                    first.bias[0] -= math.log(n_new + 1)
                    new.weight[:] = first.weight[0]
                    new.bias[:] = first.bias[0]
        model.double().train()
        rate = LR if step == 0 else LR_LATER
        optimizer = torch.optim.SGD(
            model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=1e-4
        )
        samples = list(experience.dataset)
        batches = [samples[i : i + BATCH] for i in range(0, len(samples) - BATCH + 1, BATCH)]
        total = len(batches) * EPOCHS
        for iteration, batch in enumerate(batches * EPOCHS):
            images = torch.stack([image for image, *_ in batch]).double() / 255
            images = (images - torch.tensor(MEAN).double().view(3, 1, 1)) / torch.tensor(
                STD
            ).double().view(3, 1, 1)
            labels = torch.stack([labels for _, labels, *_ in batch]).long()
            output = model(images)
            loss = sum(unbiased_ce(level, labels, n_old) for level in (output.logits, *output.aux))
            if teacher is not None:
                with torch.no_grad():
                    old = teacher(images).logits
                loss = loss + WEIGHT * unbiased_kd(output.logits, old, labels.shape[-2:])
            optimizer.param_groups[0]["lr"] = rate * (1 - iteration / total) ** 0.9
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        teacher = copy.deepcopy(model).eval()
    return model


class DoubleMiB(MiB):
    """MiB in double precision, so that only the order of operations is left to differ."""

    def _unpack_minibatch(self):
        super()._unpack_minibatch()
        images, labels, *rest = self.mbatch
        self.mbatch = [images.double(), labels, *rest]


@pytest.mark.parametrize("task", ["15-5", "10-5"])
def test_weights_equal_a_plain_loop_written_from_the_formulas(tmp_path, task):
    benchmark = tiny_benchmark(tmp_path, task=task)
    expected_model, model = tiny_model(seed=2).double(), tiny_model(seed=2).double()
    torch.manual_seed(7)
    reference(expected_model, benchmark)
    torch.manual_seed(7)
    strategy = DoubleMiB(
        model=model,
        optimizer=sgd(LR, LR_LATER),
        kd_weight=WEIGHT,
        train_mb_size=BATCH,
        train_epochs=EPOCHS,
        plugins=[PolyLRPlugin()],
        evaluator=None,
        loader={"shuffle": False},
    )
    for experience in benchmark.train_stream:
        torch.manual_seed(7)
        strategy.train(experience, eval_streams=[])
    for name, value in expected_model.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("weight", [-1.0, math.inf, math.nan])
def test_weights_that_make_no_sense_are_refused(weight):
    with pytest.raises(ValueError, match="finite number, zero or more"):
        MiB(model=tiny_model(), optimizer=sgd(), kd_weight=weight, evaluator=None)
