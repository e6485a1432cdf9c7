"""The losses' formulas typed again: Python floats, one pixel at a time, nothing from torch.

Scores are nested lists (``tensor.tolist()``): B x C x H x W for logits, B x H x W for labels.
``z`` is one pixel's list of C scores, ``teacher`` its list of K scores, ``y`` its label.
"""

import math
from collections.abc import Callable, Iterator

VOID = 255


def log_sum_exp(scores):
    top = max(scores)
    return top + math.log(sum(math.exp(score - top) for score in scores))


def softmax(scores):
    top = max(scores)
    exp_scores = [math.exp(score - top) for score in scores]
    return [exp_score / sum(exp_scores) for exp_score in exp_scores]


def cross_entropy(z, y):
    """-log p_y."""
    return -(z[y] - log_sum_exp(z))


def unbiased_cross_entropy(z, y, n_old):
    """UNCE: a label below K means background or any old class."""
    if y < n_old:
        return -(log_sum_exp(z[:n_old]) - log_sum_exp(z))
    return -(z[y] - log_sum_exp(z))


def distillation(z, teacher, teacher_scale=1.0):
    """KD: -(1/K) sum_k q_k log softmax(z_0..z_{K-1})_k."""
    n_old = len(teacher)
    q = softmax([teacher_scale * score for score in teacher])
    log_p = [score - log_sum_exp(z[:n_old]) for score in z[:n_old]]
    return -sum(q[k] * log_p[k] for k in range(n_old)) / n_old


def unbiased_distillation(z, teacher, teacher_scale=1.0):
    """UNKD: the student's background is the union of background and new classes."""
    n_old = len(teacher)
    q = softmax([teacher_scale * score for score in teacher])
    log_all = log_sum_exp(z)
    total = q[0] * (log_sum_exp([z[0], *z[n_old:]]) - log_all)
    for k in range(1, n_old):
        total += q[k] * (z[k] - log_all)
    return -total / n_old


def label_loss_map(logits, labels, pixel_loss: Callable, *, ignore_index=VOID):
    """``pixel_loss(z, y)`` of every pixel, 0 where ignored; logits resized to the label map."""
    size = (len(labels[0]), len(labels[0][0]))
    scores = list(pixels(logits, size))
    flat = [y for image in labels for row in image for y in row]
    return [
        0.0 if y == ignore_index else pixel_loss(z, y) for z, y in zip(scores, flat, strict=True)
    ]


def teacher_loss_map(logits, teacher, pixel_loss: Callable, *, size=None):
    """``pixel_loss(z, z')`` of every pixel; both resized to ``size``, default the logits' own."""
    size = size or (len(logits[0][0]), len(logits[0][0][0]))
    both = zip(pixels(logits, size), pixels(teacher, size), strict=True)
    return [pixel_loss(z, old) for z, old in both]


def reduced(losses, reduction, valid=None):
    """ "mean_all" divides by all pixels, "mean" by those that are not ignored."""
    if reduction == "none":
        return losses
    divisor = {
        "sum": 1,
        "mean_all": len(losses),
        "mean": max(1, len(losses) if valid is None else sum(valid)),
    }[reduction]
    return sum(losses) / divisor


def pixels(maps, size) -> Iterator[list[float]]:
    """The C scores of every pixel, image by image, row by row."""
    for channels in maps:
        resized = [resize(channel, *size) for channel in channels]
        for row in range(size[0]):
            for column in range(size[1]):
                yield [channel[row][column] for channel in resized]


def resize(rows, height, width):
    """Bilinear, align_corners False: pixel centres at half coordinates, clamped at the border."""
    down, across = _taps(len(rows), height), _taps(len(rows[0]), width)
    return [
        [
            sum(wy * wx * rows[y][x] for y, wy in vertical for x, wx in horizontal)
            for horizontal in across
        ]
        for vertical in down
    ]


def _taps(n_in, n_out):
    taps = []
    for i in range(n_out):
        position = max((i + 0.5) * n_in / n_out - 0.5, 0.0)
        low = min(math.floor(position), n_in - 1)
        high = min(low + 1, n_in - 1)
        share = position - low
        taps.append([(low, 1 - share), (high, share)])
    return taps


def _softplus(z):
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def binary_cross_entropy(z, y):
    """Sum over channels of the binary cross entropy with the one-hot label."""
    return sum(_softplus(-score) if c == y else _softplus(score) for c, score in enumerate(z))


def icarl_distillation(z, teacher):
    """Sum over old channels of the binary cross entropy with the teacher's sigmoid."""
    total = 0.0
    for k, score in enumerate(teacher):
        q = 1 / (1 + math.exp(-score))
        total += q * _softplus(-z[k]) + (1 - q) * _softplus(z[k])
    return total


def annotated_cross_entropy(z, y, annotated):
    """Background: any channel the image does not annotate; else -log p_y."""
    p = softmax(z)
    if y in annotated and y != 0:
        return -math.log(p[y])
    return -math.log(sum(p[c] for c in range(len(p)) if c == 0 or c not in annotated))


def label_guided_distillation(z, y, teacher, old_weight=10.0, new_weight=2.0):
    """LGKD: the teacher's background goes to the new class that the label names."""
    n_old, q = len(teacher), softmax(teacher) + [0.0] * (len(z) - len(teacher))
    if y >= n_old:
        q[y], q[0] = q[0], 0.0
    cost = -sum(q[k] * (z[k] - log_sum_exp(z)) for k in range(len(z)))
    return cost * (new_weight if y >= n_old else old_weight)


def entropy(z):
    """H = -sum_k p_k log p_k."""
    return -sum(p * math.log(p) for p in softmax(z) if p > 0)


def pod_embedding(channels, scales):
    """Phi of the squares of one image's maps, D x H x W nested lists: window by window."""
    embedding = []
    for rows in channels:
        height, width = len(rows), len(rows[0])
        for s in scales:
            k_h, k_w = height // s, width // s
            for i in range(s if k_h and k_w else 0):
                for j in range(s):
                    window = [
                        [rows[i * k_h + y][j * k_w + x] ** 2 for x in range(k_w)]
                        for y in range(k_h)
                    ]
                    embedding += [sum(row) / k_w for row in window]
                    embedding += [sum(column) / k_h for column in zip(*window, strict=True)]
    return embedding


def local_pod(maps, teacher_maps, scales=(1, 2, 4)):
    """The mean over images of || Phi(x^2) - Phi(x'^2) ||."""
    norms = []
    for ours, theirs in zip(maps, teacher_maps, strict=True):
        pairs = zip(pod_embedding(ours, scales), pod_embedding(theirs, scales), strict=True)
        norms.append(math.sqrt(sum((a - b) ** 2 for a, b in pairs)))
    return sum(norms) / len(norms)


def unknown_channel(y, is_unknown):
    """SSUL's labels: [unknown, background, classes]."""
    return VOID if y == VOID else y + 1 if y > 0 else 0 if is_unknown else 1


def completed(channel, teacher, threshold):
    """SSUL's pseudo-label: the teacher's best channel, when it is a class and likely."""
    s = [1 / (1 + math.exp(-score)) for score in teacher]
    best = s.index(max(s))
    return best if channel <= 1 and best >= 2 and s[best] >= threshold else channel


def auxiliary_binary_cross_entropy(z, y, n_old, positive_weight):
    """DKD: mBCE of the step's classes; no pixel is the auxiliary channel's."""
    total = _softplus(z[0])
    for n in range(max(n_old, 1), len(z)):
        total += positive_weight * _softplus(-z[n]) if y == n else _softplus(z[n])
    return total
