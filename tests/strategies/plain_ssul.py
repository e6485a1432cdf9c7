"""SSUL in plain PyTorch, double precision, written from its page."""

import copy

import torch
import torch.nn.functional as F

from tests.strategies.plain_loop import LR, LR_LATER, SEED, batches_of

EPOCHS = 2
THRESHOLD = 0.3  # Low enough for what so little training makes sure of.


def train_plainly(model, benchmark, *, saliency=False, batches_of_step=None):
    """Train ``model`` in place; the samples' extra tells salient pixels, or all background is.

    ``batches_of_step`` gives (images, labels, extras) of a step's iterations where they are not
    those of the benchmark in their order.
    """
    teacher, n_accepted = None, 0
    for step, experience in enumerate(benchmark.train_stream):
        torch.manual_seed(SEED)
        n_new = len(experience.classes_in_this_experience)
        for head in model.heads:
            head.grow(n_new)
            if step > 0:
                start_as_unknown(head)
        model.double()
        groups, rate = (first_groups(model), LR) if step == 0 else (later_groups(model), LR_LATER)
        optimizer = torch.optim.SGD(
            [{"params": parameters, "lr": rate * factor} for parameters, factor in groups],
            momentum=0.9, nesterov=True, weight_decay=1e-4,
        )  # fmt: skip
        model.train(step == 0)
        batches = in_order(experience) if batches_of_step is None else batches_of_step[step]
        n_iterations = len(batches)
        for iteration, (images, labels, extras) in enumerate(batches):
            salient = extras["saliency"] > 0 if saliency else torch.ones_like(labels) > 0
            target = channels_of(labels, salient)
            for number, raw in enumerate(extras.get("raw_labels", [])):
                if raw:
                    target[number] = labels[number]
            if teacher is not None:
                completed = with_pseudo_labels(target, teacher, images)
                n_accepted += int((completed != target).sum())
                target = completed
            output = model(images)
            levels = [output.logits, *output.aux] if step == 0 else [output.logits]
            loss = sum(mean_over_valid(level, target) for level in levels)
            optimizer.zero_grad()
            loss.backward()
            for group, (_, factor) in zip(optimizer.param_groups, groups, strict=True):
                group["lr"] = rate * factor * (1 - iteration / n_iterations) ** 0.9
            optimizer.step()
        teacher = copy.deepcopy(model).eval()
    return n_accepted


def in_order(experience):
    samples = list(experience.dataset)
    found = []
    for number, (images, labels) in enumerate(batches_of(samples)):
        maps = [sample[2]["saliency"] for sample in samples[2 * number : 2 * number + 2]]
        found.append((images, labels, {"saliency": torch.stack(maps)}))
    return found * EPOCHS


def start_as_unknown(head):
    with torch.no_grad():
        unknown = dict(head.classifiers[0].named_parameters())
        unknown |= dict(head.classifiers[0].named_buffers())
        new = [*head.classifiers[-1].named_parameters(), *head.classifiers[-1].named_buffers()]
        for name, value in new:
            value[...] = unknown[name]


def first_groups(model):
    body = list(model.network.parameters())
    heads = [p for head in model.heads for p in head.parameters()]
    return [(body, 0.1), (heads, 1.0)]


def later_groups(model):
    """The unknown's and the newest head, slowly the background's; no norm."""
    unknown, background, *_, new = (
        [layer for layer in classifier if isinstance(layer, torch.nn.Conv2d)]
        for classifier in model.head.classifiers
    )
    fast = [p for layer in (*unknown, *new) for p in layer.parameters()]
    slow = [p for layer in background for p in layer.parameters()]
    return [(fast, 1.0), (slow, 1e-4)]


def channels_of(labels, salient):
    target = labels.clone()
    for place in torch.nonzero(torch.ones_like(labels)).tolist():
        place = tuple(place)
        value = int(labels[place])
        if value == 0:
            target[place] = 0 if salient[place] else 1
        elif value != 255:
            target[place] = value + 1
    return target


def with_pseudo_labels(target, teacher, images):
    with torch.no_grad():
        logits = teacher(images).logits
    scores = torch.sigmoid(F.interpolate(logits, size=target.shape[-2:], mode="bilinear"))
    best, channel = scores.max(dim=1)
    accepted = (target <= 1) & (channel >= 2) & (best >= THRESHOLD)
    return torch.where(accepted, channel, target)


def mean_over_valid(logits, target):
    s = torch.sigmoid(F.interpolate(logits, size=target.shape[-2:], mode="bilinear"))
    valid, total = target != 255, 0.0
    for channel in range(s.shape[1]):
        own = torch.where(target == channel, s[:, channel], 1 - s[:, channel])
        total = total - own.log()[valid].sum()
    return total / valid.sum()
