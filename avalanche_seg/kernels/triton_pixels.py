# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: N803 - constants of a kernel are in capitals.
"""Pixel losses as one kernel for GPUs: resize, both terms and their gradient on the chip.

A program has the columns of a block and the rows that lie between the same two rows of the logits.
It holds these two, resized across, in registers, and goes down the rows: each is resized, turned
into losses and gradients and forgotten. The gradients are added up for the two rows of the source,
resized back across as a product with a small matrix, and added to the result. So what leaves the
chip is as large as the logits.
"""

from functools import partial

from avalanche_seg.kernels.triton_language import jit, tl
from avalanche_seg.kernels.triton_terms import (
    softmax_groups,
    softmax_of_label,
    softmax_of_teacher,
    softplus,
)

__all__ = ["pixel_kernel"]


@jit
def _across(source, left, right, share, mask):
    """A row of the source, resized across."""
    first = tl.load(source + left, mask, 0.0)
    second = tl.load(source + right, mask, 0.0)
    return first + share * (second - first)


@jit
def _channels_across(source, left, right, share, mask, channel):
    """The same of all channels."""
    return _across(
        source, left[:, None] + channel, right[:, None] + channel, share[:, None], mask[:, None]
    )


# Images of other sizes need no other program.
@partial(
    jit,
    do_not_specialize=[
        *("ignore_index", "positive_weight", "n_pixels", "n_slopes", "n_rows", "n_columns"),
        *("height", "width", "former_height", "former_width"),
    ],
)
def pixel_kernel(
    logits, former, target, maps, gradients, weights, partial,
    row_share, row_first, column_low, column_share,
    former_row, former_row_share, former_column, former_column_share,
    ignore_index, positive_weight, n_pixels, n_slopes, n_rows, n_columns, height, width,
    former_height, former_width,
    N_CHANNELS: tl.constexpr, N_OLD: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
    SOURCES: tl.constexpr, SIGMOID: tl.constexpr, CLASSIFY: tl.constexpr, DISTIL: tl.constexpr,
    VOID_COUNTS: tl.constexpr, ALIKE: tl.constexpr, MAPS: tl.constexpr, GRADIENT: tl.constexpr,
    WEIGHTED: tl.constexpr,
):  # fmt: skip
    """What Triton compiles: a block of columns between two rows of the logits.

    ``logits`` and ``former``, the teacher's, are B x h x w x LANES, zero beyond the channels, and
    so is what is added to, ``gradients``, for each loss. ``target``, ``maps`` and ``weights`` are
    those of :func:`avalanche_seg.kernels.fused.fused_sweep`; ``partial`` gets the sums of both
    losses by program. The others describe the resizes: for every output the source before it and
    the share of the one after it, and where the rows of a source begin. ``ALIKE``: the teacher's
    maps are as large as the logits.
    """
    image, top, part = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    bottom = tl.minimum(top + 1, height - 1)
    columns = part * BLOCK + tl.arange(0, BLOCK)
    inside = columns < n_columns
    channel = tl.arange(0, LANES)[None, :]
    exists = channel < N_CHANNELS
    present = inside[:, None] & exists
    is_old, is_background = channel < N_OLD, channel == 0
    is_new = (channel >= N_OLD) & exists

    left = tl.load(column_low + columns, inside, 0)
    right = tl.minimum(left + 1, width - 1)
    share = tl.load(column_share + columns, inside, 0.0)
    base = logits + image * height * width * LANES
    at_left, at_right = left * LANES, right * LANES
    row, next_row = base + top * width * LANES, base + bottom * width * LANES
    upper = _channels_across(row, at_left, at_right, share, inside, channel)
    lower = _channels_across(next_row, at_left, at_right, share, inside, channel)
    if not SIGMOID:
        # The background's score is needed on its own.
        background_upper = _across(row, at_left, at_right, share, inside)
        background_lower = _across(next_row, at_left, at_right, share, inside)
    if DISTIL:
        taught = former + image * former_height * former_width * LANES
        column = tl.load(former_column + columns, inside, 0)
        this_column = column * LANES
        next_column = tl.minimum(column + 1, former_width - 1) * LANES
        column_part = tl.load(former_column_share + columns, inside, 0.0)
        if ALIKE:
            row = taught + top * width * LANES
            above = _channels_across(row, this_column, next_column, column_part, inside, channel)
            row = taught + bottom * width * LANES
            below = _channels_across(row, this_column, next_column, column_part, inside, channel)

    of_labels = tl.zeros([BLOCK], tl.float32)
    of_teacher = tl.zeros([BLOCK], tl.float32)
    if GRADIENT:
        label_top = tl.zeros([BLOCK, LANES], tl.float32)
        label_bottom = tl.zeros([BLOCK, LANES], tl.float32)
        teacher_top = tl.zeros([BLOCK, LANES], tl.float32)
        teacher_bottom = tl.zeros([BLOCK, LANES], tl.float32)
    for row in range(tl.load(row_first + top), tl.load(row_first + top + 1)):
        row_part = tl.load(row_share + row)
        scores = upper + row_part * (lower - upper)
        pixel = (image * n_rows + row) * n_columns + columns
        if SIGMOID:
            soft, sigmoid = softplus(scores)
        else:
            background = background_upper + row_part * (background_lower - background_upper)
            exps, of_old, of_new, among_old, of_others, log_old, log_others, log_all = (
                softmax_groups(scores, background, is_old, is_new, N_OLD < N_CHANNELS)
            )
        if CLASSIFY:
            label = tl.load(target + pixel, inside, ignore_index)
            valid = inside & (label != ignore_index)
            at_label = (channel == label[:, None]) & valid[:, None]
            if SIGMOID:
                counts = tl.where(inside if VOID_COUNTS else valid, 1.0, 0.0)
                own = (positive_weight - 1.0) * soft - positive_weight * scores
                loss = tl.sum(tl.where(exists, soft, 0.0) + tl.where(at_label, own, 0.0), 1)
                loss *= counts
                own = (positive_weight - 1.0) * sigmoid - positive_weight
                slope = sigmoid + tl.where(at_label, own, 0.0)
                slope = tl.where(exists, slope * counts[:, None], 0.0)
            else:
                loss, slope = softmax_of_label(
                    scores, exps, of_old, of_new, among_old, log_old, log_all, at_label, is_old,
                    label < N_OLD, tl.where(valid, 1.0, 0.0),
                )  # fmt: skip
            loss = tl.where(valid & ((label < 0) | (label >= N_CHANNELS)), float("nan"), loss)
            of_labels += loss
            if MAPS:
                tl.store(maps + pixel, loss, inside)
            if GRADIENT:
                if WEIGHTED:
                    slope *= tl.load(weights + pixel, inside, 0.0)[:, None]
                label_top += (1.0 - row_part) * slope
                label_bottom += row_part * slope
        if DISTIL:
            if ALIKE:
                told = above + row_part * (below - above)
            else:
                row_low = tl.load(former_row + row)
                at_row = taught + row_low * former_width * LANES
                above = _channels_across(
                    at_row, this_column, next_column, column_part, inside, channel
                )
                row_next = tl.minimum(row_low + 1, former_height - 1)
                at_row = taught + row_next * former_width * LANES
                below = _channels_across(
                    at_row, this_column, next_column, column_part, inside, channel
                )
                told = above + tl.load(former_row_share + row) * (below - above)
            if SIGMOID:
                _, q = softplus(told)
                loss = tl.sum(tl.where(present, soft - q * scores, 0.0), 1)
                slope = tl.where(present, sigmoid - q, 0.0)
            else:
                told = tl.where(is_old, told, float("-inf"))
                loss, slope = softmax_of_teacher(
                    scores, background, told, exps, of_old, of_new, of_others, log_others, log_all,
                    is_old, is_background, inside,
                )  # fmt: skip
            of_teacher += loss
            at = pixel + (n_pixels if CLASSIFY else 0)
            if MAPS:
                tl.store(maps + at, loss, inside)
            if GRADIENT:
                if WEIGHTED:
                    slope *= tl.load(weights + at, inside, 0.0)[:, None]
                teacher_top += (1.0 - row_part) * slope
                teacher_bottom += row_part * slope

    at = ((image * height + top) * tl.num_programs(2) + part) * 2
    tl.store(partial + at, tl.sum(of_labels, 0))
    tl.store(partial + at + 1, tl.sum(of_teacher, 0))
    if GRADIENT:
        # Back across: which sources the block's columns lie between, as a matrix.
        source = tl.load(column_low + part * BLOCK) + tl.arange(0, SOURCES)
        matrix = tl.where(source[:, None] == left[None, :], 1.0 - share[None, :], 0.0)
        matrix += tl.where(source[:, None] == right[None, :], share[None, :], 0.0)
        into = gradients + (image * height * width + source[:, None]) * LANES + channel
        there = (source <= tl.max(tl.where(inside, right, 0), 0))[:, None]
        if WEIGHTED:
            label_top += teacher_top
            label_bottom += teacher_bottom
        if CLASSIFY or WEIGHTED:
            back = tl.dot(matrix, label_top, input_precision="tf32x3")
            tl.atomic_add(into + top * width * LANES, back, there)
            back = tl.dot(matrix, label_bottom, input_precision="tf32x3")
            tl.atomic_add(into + bottom * width * LANES, back, there)
        if DISTIL and not WEIGHTED:
            if CLASSIFY:
                into += n_slopes
            back = tl.dot(matrix, teacher_top, input_precision="tf32x3")
            tl.atomic_add(into + top * width * LANES, back, there)
            back = tl.dot(matrix, teacher_bottom, input_precision="tf32x3")
            tl.atomic_add(into + bottom * width * LANES, back, there)
