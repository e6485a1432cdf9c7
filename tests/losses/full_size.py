"""The losses as plain torch: logits resized to the label map, every intermediate at full size.

Written from the formulas, for shapes that are too large for ``references``; means over all pixels.
"""

import torch
import torch.nn.functional as F

VOID = 255


def full_size(logits, size):
    return F.interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)


def cross_entropy(logits, target):
    logits = full_size(logits, target.shape[-2:])
    return F.cross_entropy(logits, target, ignore_index=VOID, reduction="none").mean()


def unbiased_cross_entropy(logits, target, n_old):
    log_p = torch.log_softmax(full_size(logits, target.shape[-2:]), dim=1)
    merged = torch.cat([log_p[:, :n_old].logsumexp(dim=1, keepdim=True), log_p[:, n_old:]], dim=1)
    labels = torch.where(target < n_old, 0, target - n_old + 1).masked_fill(target == VOID, VOID)
    return F.nll_loss(merged, labels, ignore_index=VOID, reduction="none").mean()


def distillation(logits, teacher, size):
    n_old = teacher.shape[1]
    q = torch.softmax(full_size(teacher, size), dim=1)
    log_p = torch.log_softmax(full_size(logits, size)[:, :n_old], dim=1)
    return -(q * log_p).mean()


def unbiased_distillation(logits, teacher, size):
    n_old = teacher.shape[1]
    q = torch.softmax(full_size(teacher, size), dim=1)
    log_p = torch.log_softmax(full_size(logits, size), dim=1)
    background = torch.cat([log_p[:, :1], log_p[:, n_old:]], dim=1).logsumexp(dim=1, keepdim=True)
    return -(q * torch.cat([background, log_p[:, 1:n_old]], dim=1)).mean()


def binary_cross_entropy(logits, target):
    logits = full_size(logits, target.shape[-2:])
    valid = (target != VOID).unsqueeze(1)
    labels = torch.where(target == VOID, 0, target)
    one_hot = F.one_hot(labels, logits.shape[1]).movedim(3, 1).to(logits)
    losses = F.binary_cross_entropy_with_logits(logits, one_hot, reduction="none") * valid
    return losses.sum(dim=1).mean()


def icarl_distillation(logits, teacher, size):
    q = torch.sigmoid(full_size(teacher, size))
    old = full_size(logits, size)[:, : teacher.shape[1]]
    return F.binary_cross_entropy_with_logits(old, q, reduction="none").sum(dim=1).mean()
