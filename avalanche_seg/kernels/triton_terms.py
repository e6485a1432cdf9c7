# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: N803 - constants of a kernel are in capitals.
"""Losses of the pixels of a row and their gradients, as a program of the GPU computes them.

The formulas are those of :mod:`avalanche_seg.kernels.softmax_terms` and
:mod:`avalanche_seg.kernels.sigmoid_terms`. A tensor has the pixels of a block along its first side
and, where it has two, the channels along its second.
"""

from avalanche_seg.kernels.triton_language import jit, tl

__all__ = ["softmax_groups", "softmax_of_label", "softmax_of_teacher", "softplus"]


@jit
def softmax_groups(scores, background, is_old, is_new, HAS_NEW: tl.constexpr):
    """Exponentials and log-sum-exps of the old and of the new channels.

    Each group has a maximum of its own, so that none vanishes beside the other.

    Returns:
        the exponentials of the scores less their group's maximum, 0 beyond the channels; what
        makes them probabilities, for old and for new channels; what makes those of old channels
        probabilities among these; what makes those of new ones probabilities among the background
        and these; the log-sum-exps of old channels, of background and new ones, and of all.
    """
    top_old = tl.max(tl.where(is_old, scores, float("-inf")), 1)
    if HAS_NEW:
        top_new = tl.max(tl.where(is_new, scores, float("-inf")), 1)
        top = tl.where(is_old, top_old[:, None], top_new[:, None])
    else:
        top_new = top_old
        top = top_old[:, None]
    exps = tl.where(is_old | is_new, tl.exp(scores - top), 0.0)
    sum_old = tl.sum(tl.where(is_old, exps, 0.0), 1)
    log_old = top_old + tl.log(sum_old)
    log_all = log_old
    log_others = background
    if HAS_NEW:
        log_new = top_new + tl.log(tl.sum(tl.where(is_new, exps, 0.0), 1))
        most = tl.maximum(log_old, log_new)
        log_all = most + tl.log(tl.exp(log_old - most) + tl.exp(log_new - most))
        most = tl.maximum(background, log_new)
        log_others = most + tl.log(tl.exp(background - most) + tl.exp(log_new - most))
    return (
        exps,
        tl.exp(top_old - log_all),
        tl.exp(top_new - log_all),
        1.0 / sum_old,
        tl.exp(top_new - log_others),
        log_old,
        log_others,
        log_all,
    )


@jit
def softmax_of_label(
    scores, exps, of_old, of_new, among_old, log_old, log_all, at_label, is_old, hidden, counts
):
    """The unbiased cross entropy of a label, and its gradient.

    Args:
        scores: of the pixels.
        exps: and the next four of :func:`softmax_groups`.
        of_old: see there.
        of_new: see there.
        among_old: see there.
        log_old: see there.
        log_all: see there.
        at_label: the channel of the label.
        is_old: the old channels.
        hidden: the label is an old class, for which all old channels count.
        counts: 1 where the pixel counts, else 0.
    """
    own = tl.sum(tl.where(at_label, scores, 0.0), 1)
    loss = counts * (log_all - tl.where(hidden, log_old, own))
    factor_old = counts * (of_old - tl.where(hidden, among_old, 0.0))
    slope = exps * tl.where(is_old, factor_old[:, None], (counts * of_new)[:, None])
    return loss, slope - tl.where(at_label & (hidden == 0)[:, None], counts[:, None], 0.0)


@jit
def softmax_of_teacher(
    scores, background, told, exps, of_old, of_new, of_others, log_others, log_all, is_old,
    is_background, inside,
):  # fmt: skip
    """The unbiased distillation times K of a teacher's scores, and its gradient.

    Args:
        scores: of the pixels.
        background: the first channel of them.
        told: the teacher's scores, -inf beyond its channels.
        exps: and the next five of :func:`softmax_groups`.
        of_old: see there.
        of_new: see there.
        of_others: see there.
        log_others: see there.
        log_all: see there.
        is_old: the old channels.
        is_background: the first of them.
        inside: pixels that exist.
    """
    q = tl.where(is_old, tl.exp(told - tl.max(told, 1)[:, None]), 0.0)
    q = q * (tl.where(inside, 1.0, 0.0) / tl.sum(q, 1))[:, None]
    q_background = tl.sum(tl.where(is_background, q, 0.0), 1)
    # Differences first, so that large scores do not cancel each other in the sum.
    apart = tl.where(is_old & (is_background == 0), q * (log_all[:, None] - scores), 0.0)
    loss = q_background * (log_all - log_others) + tl.sum(apart, 1)
    loss = tl.where(inside, loss, 0.0)
    factor_new = of_new - q_background * of_others
    merged = q_background * tl.exp(background - log_others)
    slope = exps * tl.where(is_old, of_old[:, None], factor_new[:, None])
    slope -= tl.where(is_background, merged[:, None], q)
    return loss, tl.where(inside[:, None], slope, 0.0)


@jit
def softplus(scores):
    """The logarithm of 1 + e^z, and the sigmoid of z."""
    small = tl.exp(-tl.abs(scores))
    raised = 1.0 + small
    # What is lost in u = 1 + x is d = x - (u - 1), and log(u + d) = log(u) + d / u.
    beyond = tl.log(raised) + (small - (raised - 1.0)) / raised
    sigmoid = tl.where(scores >= 0, 1.0, small) / raised
    return tl.maximum(scores, 0.0) + beyond, sigmoid
