"""A training loop in plain PyTorch, double precision, written from the methods' descriptions.

No Avalanche, no plugin, no loss of the package: what a strategy must reproduce.
"""

import copy
import math

import torch
import torch.nn.functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH, EPOCHS, LR, LR_LATER, SEED = 2, 2, 0.01, 0.001, 7


def train_plainly(
    model, benchmark, objective, *, penalty=None, balanced=False, memory=None, ahead=False
):
    """Train ``model`` in place on ``objective(output, labels, n_old, teacher_output)``.

    ``memory(step)`` gives the samples that follow the step's own. An objective with a method
    ``begin(teacher, batches, n_old, n_new)`` sees the batches of a later step first. With ``ahead``
    step 0 has the channels of all steps.
    """
    teacher = None
    for step, experience in enumerate(benchmark.train_stream):
        torch.manual_seed(SEED)
        n_old, n_new = len(experience.previous_classes), len(experience.classes_in_this_experience)
        for head in model.heads if step == 0 or not ahead else ():
            head.grow(n_new)
            if balanced and step > 0:
                share_background(head, n_new)
        if step == 0 and ahead:
            for later in benchmark.train_stream[1:]:
                for head in model.heads:
                    head.grow(len(later.classes_in_this_experience))
        model.double().train()
        rate = LR if step == 0 else LR_LATER
        optimizer = torch.optim.SGD(
            model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=1e-4
        )
        if penalty is not None:
            penalty.begin(model)
        samples = list(experience.dataset) + ([] if memory is None else memory(step))
        batches = batches_of(samples)
        if teacher is not None and hasattr(objective, "begin"):
            objective.begin(teacher, batches, n_old, n_new)
        batches = batches * EPOCHS
        for iteration, (images, labels) in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate * (1 - iteration / len(batches)) ** 0.9
            with torch.no_grad():
                old = None if teacher is None else teacher(images)
            loss = objective(model(images), labels, n_old, old)
            optimizer.zero_grad()
            loss.backward()
            if penalty is not None:
                penalty.iterate(model)
            optimizer.step()
        if penalty is not None:
            penalty.end(model)
        teacher = copy.deepcopy(model).eval()


def share_background(head, n_new):
    with torch.no_grad():
        first, new = head.classifiers[0], head.classifiers[-1]
        first.bias[0] -= math.log(n_new + 1)
        new.weight[:] = first.weight[0]
        new.bias[:] = first.bias[0]


def batches_of(samples):
    batches = []
    for start in range(0, len(samples) - BATCH + 1, BATCH):
        batch = samples[start : start + BATCH]
        images = torch.stack([sample[0] for sample in batch]).float() / 255
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        labels = torch.stack([sample[1] for sample in batch]).long()
        batches.append((((images - mean) / std).double(), labels))
    return batches


def resized(logits, labels):
    return F.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)


def cross_entropy(logits, labels, n_old=0):
    """Probabilities summed, not log-sum-exp; with ``n_old`` MiB's unbiased one."""
    p = torch.softmax(resized(logits, labels), dim=1)
    total = 0.0
    for channel in range(p.shape[1]):
        chosen = p[:, :n_old].sum(dim=1) if channel < n_old else p[:, channel]
        total = total - (chosen.log() * (labels == channel)).sum()
    return total / labels.numel()


def binary_cross_entropy(logits, labels):
    s = torch.sigmoid(resized(logits, labels))
    total = 0.0
    for channel in range(s.shape[1]):
        is_class = labels == channel
        total = total - torch.where(is_class, s[:, channel], 1 - s[:, channel]).log().sum()
    return total / labels.numel()


def classical_kd(logits, old_logits, labels):
    n_old = old_logits.shape[1]
    p = torch.softmax(resized(logits, labels)[:, :n_old], dim=1)
    q = torch.softmax(resized(old_logits, labels), dim=1)
    return -(q * p.log()).sum() / n_old / labels.numel()


def unbiased_kd(logits, old_logits, labels):
    p = torch.softmax(resized(logits, labels), dim=1)
    q = torch.softmax(resized(old_logits, labels), dim=1)
    n_old = q.shape[1]
    background = p[:, 0] + p[:, n_old:].sum(dim=1)
    total = (q[:, 0] * background.log()).sum() + (q[:, 1:] * p[:, 1:n_old].log()).sum()
    return -total / n_old / labels.numel()


def icarl_kd(logits, old_logits, labels):
    n_old = old_logits.shape[1]
    s = torch.sigmoid(resized(logits, labels)[:, :n_old])
    q = torch.sigmoid(resized(old_logits, labels))
    return -(q * s.log() + (1 - q) * (1 - s).log()).sum() / labels.numel()


def on_all_outputs(loss, output, labels, **options):
    return sum(loss(level, labels, **options) for level in (output.logits, *output.aux))
