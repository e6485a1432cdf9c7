"""PLOP and what is built on it in plain PyTorch, written from the methods' descriptions."""

import math

import torch

from tests.strategies import plain_loop as plain

VOID = 255


class PlainPLOP:
    """CE on pseudo-labels, weighed by image, and local POD of the head's map and the logits."""

    def __init__(self, *, threshold="code", extra_channels="sum", factors=(0.01, 5e-4)):
        self.threshold, self.extra_channels, self.factors = threshold, extra_channels, factors

    def begin(self, teacher, batches, n_old, n_new):
        """The thresholds, pixel by pixel."""
        self.n_new = n_new
        scores = [[] for _ in range(n_old)]
        for images, labels in batches:
            with torch.no_grad():
                classes, u = self.predictions(teacher(images).logits, labels)
            background = labels < n_old
            for c, value in zip(classes[background].tolist(), u[background].tolist(), strict=True):
                scores[c].append(value)
        rule = code_threshold if self.threshold == "code" else paper_threshold
        self.thresholds = torch.tensor([rule(values) for values in scores], dtype=torch.float64)

    def predictions(self, logits, labels):
        p = torch.softmax(plain.resized(logits, labels), dim=1)
        n_old = p.shape[1]
        u = -(p * p.log()).sum(dim=1) / math.log(n_old)
        if self.threshold == "code":
            u = u / n_old / math.log(n_old + self.n_new)
        return p.argmax(dim=1), u

    def labels_and_weights(self, labels, n_old, old):
        classes, u = self.predictions(old.logits, labels)
        background = labels < n_old
        accepted = background & (u < self.thresholds[classes])
        new = labels.clone()
        new[background] = VOID
        new[accepted] = classes[accepted]
        pairs = zip(accepted, background, strict=True)
        nu = [float(a.sum()) / (float(b.sum()) + 1e-6) for a, b in pairs]
        return new, torch.tensor(nu, dtype=torch.float64)

    def __call__(self, output, labels, n_old, old):
        if old is None:
            return plain.on_all_outputs(plain.cross_entropy, output, labels)
        pseudo, nu = self.labels_and_weights(labels, n_old, old)
        ce = sum(
            weighted_cross_entropy(level, pseudo, nu) for level in (output.logits, *output.aux)
        )
        root = math.sqrt((n_old + self.n_new) / self.n_new)
        merged = output.logits[:, :n_old].clone()
        background = output.logits[:, [0, *range(n_old, n_old + self.n_new)]]
        if self.extra_channels == "sum":
            merged[:, 0] = background.sum(dim=1)
        else:
            merged[:, 0] = background.exp().sum(dim=1).log()
        features = pod(output.features["head"], old.features["head"])
        terms = self.factors[0] * features + self.factors[1] * pod(merged, old.logits)
        return ce + root * terms / 2


class PlainLGKD(PlainPLOP):
    """PLOP and the label-guided distillation."""

    def __call__(self, output, labels, n_old, old):
        loss = super().__call__(output, labels, n_old, old)
        if old is None:
            return loss
        pseudo, _ = self.labels_and_weights(labels, n_old, old)
        log_p = torch.log_softmax(plain.resized(output.logits, labels), dim=1)
        q = torch.softmax(plain.resized(old.logits, labels), dim=1)
        q = torch.cat([q, torch.zeros_like(log_p[:, n_old:])], dim=1)
        total, n_valid = 0.0, int((pseudo != VOID).sum())
        for c in range(log_p.shape[1]):
            here, target = pseudo == c, q.clone()
            if c >= n_old:
                target[:, c] = target[:, 0]
                target[:, 0] = 0
            cost = -(target * log_p).sum(dim=1)
            total = total + (10.0 if c < n_old else 2.0) * cost[here].sum()
        return loss + total / max(n_valid, 1)


class Fusion:
    """EWF around a step: old classifiers do not learn, and all old weights are fused after it."""

    def __init__(self):
        self.previous = None

    def begin(self, model):
        if self.previous is not None:
            for head in model.heads:
                head.classifiers[:-1].requires_grad_(False)
        self.n_new = model.heads[0].classifiers[-1].out_channels

    def iterate(self, model):
        pass

    @torch.no_grad()
    def end(self, model):
        model.requires_grad_(True)
        state = model.state_dict()
        if self.previous is not None:
            m = math.sqrt(self.n_new / model.n_classes)
            for name, old in self.previous.items():
                state[name].copy_((1 - m) * old + m * state[name])
        self.previous = {name: value.clone() for name, value in state.items()}


def weighted_cross_entropy(logits, labels, nu):
    log_p = torch.log_softmax(plain.resized(logits, labels), dim=1)
    total = 0.0
    for b in range(len(labels)):
        for c in range(log_p.shape[1]):
            total = total - nu[b] * log_p[b, c][labels[b] == c].sum()
    return total / labels.numel()


def pod(maps, old_maps):
    """The mean over images of || Phi(x^2) - Phi(x'^2) ||, window by window."""
    differences = []
    for x, y in zip(maps.square(), old_maps.square(), strict=True):
        parts = []
        for s in (1, 2, 4):
            k = x.shape[-1] // s
            for i in range(s):
                for j in range(s):
                    window = (slice(None), slice(i * k, i * k + k), slice(j * k, j * k + k))
                    difference = x[window] - y[window]
                    parts += [difference.mean(dim).flatten() for dim in (1, 2)]
        differences.append(torch.cat(parts).norm())
    return sum(differences) / len(differences)


def code_threshold(values):
    if not values:
        return 0.001
    counts = [0] * 100
    for value in values:
        counts[min(int(value * 100), 99)] += 1
    half = len(values) / 2
    if counts[0] >= half:
        return max(0.01 * half / counts[0], 0.001)
    for j in range(1, 100):
        rest = half - j * (j - 1) / 2
        if 0 <= rest <= counts[j] and counts[j]:
            return max((j + rest / counts[j]) / 100, 0.001)
    return math.inf if half > 4950 else 0.001


def paper_threshold(values):
    """The median; a hair above it, as the histogram of the method is that exact."""
    if not values:
        return 0.001
    return max(sorted(values)[(len(values) - 1) // 2], 0.001)
