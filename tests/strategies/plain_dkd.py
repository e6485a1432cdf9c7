"""DKD in plain PyTorch, double precision, written from its page."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from avalanche_seg.models import DenseFeatures
from tests.strategies.plain_loop import SEED, batches_of
from tests.tiny import TinyNetwork

EPOCHS, LR, LR_LATER = 2, 0.002, 0.0005
GAMMA, GAMMA_LATER = 2.0, 1.0


class NormedNetwork(TinyNetwork):
    """With batch norm in the main map, which stays at least 0."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(8)

    def forward(self, images):
        main, aux, _ = super().forward(images)
        return DenseFeatures(torch.relu(self.norm(main)), aux)


def row_factory(in_channels, n_new):
    """Rows that start from Kaiming's normal initialisation."""
    made = nn.Conv2d(in_channels, n_new, kernel_size=1)
    with torch.no_grad():
        made.weight.normal_(0, (2 / in_channels) ** 0.5)
    return made


def train_plainly(model, benchmark, *, batches_of_step=None):
    """Train ``model`` in place."""
    teacher = None
    for step, experience in enumerate(benchmark.train_stream):
        torch.manual_seed(SEED)
        n_old = len(experience.previous_classes)
        for head in model.heads:
            head.grow(len(experience.classes_in_this_experience))
            if step > 0:
                with torch.no_grad():
                    head.classifiers[-1].weight[:] = head.classifiers[0].weight[0]
                    head.classifiers[-1].bias[:] = head.classifiers[0].bias[0]
        model.double().train(step == 0)
        groups, rate = groups_of(model, step), LR if step == 0 else LR_LATER
        optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)
        for group in optimizer.param_groups:
            group["lr"] = group["start"] = rate * group["factor"]
        batches = batches_of(list(experience.dataset)) * EPOCHS
        if batches_of_step is not None:
            batches = [batch[:2] for batch in batches_of_step[step]]
        for iteration, (images, labels) in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = group["start"] * (1 - iteration / len(batches)) ** 0.9
            loss = objective(model, teacher, images, labels, n_old)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        teacher = copy.deepcopy(model).eval()


def groups_of(model, step):
    body = [p for n, p in model.network.named_parameters() if step == 0 or "norm" not in n]
    heads = [p for head in model.heads for c in head.classifiers[:-1] for p in c.parameters()]
    new = [p for head in model.heads for p in head.classifiers[-1].parameters()]
    kept = 1e-4 if step == 0 else 0.0
    return [
        {"params": body, "factor": 1.0, "weight_decay": kept},
        {"params": heads, "factor": 10.0, "weight_decay": kept},
        {"params": new, "factor": 10.0, "weight_decay": 1e-4},
    ]


def objective(model, teacher, images, labels, n_old):
    gamma = GAMMA if n_old == 0 else GAMMA_LATER
    features = model.network(images)
    maps = zip(model.heads, (features.main, *features.aux), strict=True)
    loss = sum(classification(head, f, labels, n_old, gamma) for head, f in maps)
    if teacher is None:
        return loss
    with torch.no_grad():
        old_features = teacher.network(images).main
    old, f = rows(teacher.head)[1:], features.main
    for (w, b), (old_w, old_b) in zip(rows(model.head)[1 : 1 + len(old)], old, strict=True):
        z, old_z = logit(f, w, b), logit(old_features, old_w, old_b)
        loss = loss + 5 * distance(resized(z, labels), resized(old_z, labels))
        for part in (positive, negative):
            loss = loss + 5 * distance(logit(f, part(w)), logit(old_features, part(old_w)))
    return loss


def rows(head):
    return [
        (weight, bias)
        for classifier in head.classifiers
        for weight, bias in zip(classifier.weight[:, :, 0, 0], classifier.bias, strict=True)
    ]


def positive(w):
    return torch.where(w > 0, w, 0.0)


def negative(w):
    return torch.where(w < 0, w, 0.0)


def distance(z, old_z):
    p, q = torch.sigmoid(z), torch.sigmoid(old_z).detach()
    return -(q * p.log() + (1 - q) * (1 - p).log()).mean()


def logit(features, weight, bias=0.0):
    return torch.einsum("bdhw,d->bhw", features, weight) + bias


def resized(map_, labels):
    return F.interpolate(map_[:, None], size=labels.shape[-2:], mode="bilinear")[:, 0]


def classification(head, features, labels, n_old, gamma):
    (w, b), *classes = rows(head)
    s = torch.sigmoid(resized(logit(features.detach(), w, b), labels))
    total = -(1 - s).log().mean()
    for channel, (w, b) in enumerate(classes, start=1):
        if channel >= n_old:
            s = torch.sigmoid(resized(logit(features, w, b), labels))
            own = labels == channel
            total = total + torch.where(own, -gamma * s.log(), -(1 - s).log()).mean()
    return total
