# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: N803 - constants of a kernel are in capitals.
"""The softmax losses as one kernel for GPUs: resize, both terms and their gradient on the chip.

A program has the columns of a block and the rows that lie between the same two rows of the logits.
It holds these two, resized across, in registers, and goes down the rows: each is resized, turned
into losses and gradients and forgotten. The gradients are added up for the two rows of the source,
resized back across as a product with a small matrix, and added to the result. So what leaves the
chip is as large as the logits. The formulas are those of
:mod:`avalanche_seg.kernels.softmax_terms`.

Written in Triton, which comes with torch's builds for CUDA.
"""

from types import SimpleNamespace

try:
    import triton.language as tl
except ImportError:  # Then nothing asks for the kernel.
    tl = SimpleNamespace(constexpr=None)

__all__ = ["softmax_kernel"]


def softmax_kernel(
    logits, former, target, maps, gradients, weights, partial,
    row_share, row_first, column_low, column_share,
    former_row, former_row_share, former_column, former_column_share,
    ignore_index, n_pixels, n_slopes, n_rows, n_columns, height, width, former_height, former_width,
    image_stride, channel_stride, row_stride, column_stride,
    former_image_stride, former_channel_stride, former_row_stride, former_column_stride,
    N_CHANNELS: tl.constexpr, N_OLD: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
    SOURCES: tl.constexpr, CLASSIFY: tl.constexpr, DISTIL: tl.constexpr, MAPS: tl.constexpr,
    GRADIENT: tl.constexpr, WEIGHTED: tl.constexpr,
):  # fmt: skip
    """What Triton compiles: a block of columns between two rows of the logits.

    ``logits``, ``former`` (the teacher's), ``target``, ``maps``, ``gradients`` and ``weights`` are
    those of :func:`avalanche_seg.kernels.fused_softmax.softmax_sweep`; ``partial`` gets the sums of
    both losses by program. The others describe the resizes: for every output the source before it
    and the share of the one after it, and where the rows of a source begin.
    """
    image, top, part = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    bottom = tl.minimum(top + 1, height - 1)
    columns = part * BLOCK + tl.arange(0, BLOCK)
    inside = columns < n_columns
    channel = tl.arange(0, LANES)[None, :]
    present = inside[:, None] & (channel < N_CHANNELS)
    is_old, is_background = channel < N_OLD, channel == 0
    is_new = (channel >= N_OLD) & (channel < N_CHANNELS)
    nowhere = float("-inf")

    left = tl.load(column_low + columns, inside, 0)
    right = tl.minimum(left + 1, width - 1)
    share = tl.load(column_share + columns, inside, 0.0)
    base = logits + image * image_stride + channel * channel_stride
    at_left, at_right = left[:, None] * column_stride, right[:, None] * column_stride
    upper = tl.load(base + top * row_stride + at_left, present, 0.0).to(tl.float32)
    other = tl.load(base + top * row_stride + at_right, present, 0.0).to(tl.float32)
    upper += share[:, None] * (other - upper)
    lower = tl.load(base + bottom * row_stride + at_left, present, 0.0).to(tl.float32)
    other = tl.load(base + bottom * row_stride + at_right, present, 0.0).to(tl.float32)
    lower += share[:, None] * (other - lower)
    if DISTIL:
        taught = inside[:, None] & is_old
        column = tl.load(former_column + columns, inside, 0)
        next_column = tl.minimum(column + 1, former_width - 1)[:, None] * former_column_stride
        this_column = column[:, None] * former_column_stride
        column_part = tl.load(former_column_share + columns, inside, 0.0)[:, None]
        taught_base = former + image * former_image_stride + channel * former_channel_stride

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
        # Log-sum-exps of the groups, each with a maximum of its own.
        old = tl.where(is_old, scores, nowhere)
        most = tl.max(old, 1)
        log_old = most + tl.log(tl.sum(tl.exp(old - most[:, None]), 1))
        background = tl.sum(tl.where(is_background, scores, 0.0), 1)
        log_all, log_background_or_new = log_old, background
        if N_OLD < N_CHANNELS:
            new = tl.where(is_new, scores, nowhere)
            most = tl.max(new, 1)
            log_new = most + tl.log(tl.sum(tl.exp(new - most[:, None]), 1))
            most = tl.maximum(log_old, log_new)
            log_all = most + tl.log(tl.exp(log_old - most) + tl.exp(log_new - most))
            most = tl.maximum(background, log_new)
            log_background_or_new = most + tl.log(
                tl.exp(background - most) + tl.exp(log_new - most)
            )
        p = tl.where(channel < N_CHANNELS, tl.exp(scores - log_all[:, None]), 0.0)
        if CLASSIFY:
            label = tl.load(target + pixel, inside, ignore_index)
            valid = inside & (label != ignore_index)
            hidden = label < N_OLD
            at_label = channel == label[:, None]
            of_label = tl.where(hidden, log_old, tl.sum(tl.where(at_label, scores, 0.0), 1))
            loss = tl.where(valid, log_all - of_label, 0.0)
            loss = tl.where(valid & ((label < 0) | (label >= N_CHANNELS)), float("nan"), loss)
            of_labels += loss
            if MAPS:
                tl.store(maps + pixel, loss, inside)
            if GRADIENT:
                among_old = tl.where(is_old, tl.exp(old - log_old[:, None]), 0.0)
                slope = p - tl.where(hidden[:, None], among_old, tl.where(at_label, 1.0, 0.0))
                slope = tl.where(valid[:, None], slope, 0.0)
                if WEIGHTED:
                    slope *= tl.load(weights + pixel, inside, 0.0)[:, None]
                label_top += (1.0 - row_part) * slope
                label_bottom += row_part * slope
        if DISTIL:
            row_low = tl.load(former_row + row)
            row_next = tl.minimum(row_low + 1, former_height - 1)
            former_part = tl.load(former_row_share + row)
            at_row = taught_base + row_low * former_row_stride
            at_next = taught_base + row_next * former_row_stride
            first = tl.load(at_row + this_column, taught, 0.0).to(tl.float32)
            second = tl.load(at_row + next_column, taught, 0.0).to(tl.float32)
            above = first + column_part * (second - first)
            first = tl.load(at_next + this_column, taught, 0.0).to(tl.float32)
            second = tl.load(at_next + next_column, taught, 0.0).to(tl.float32)
            below = first + column_part * (second - first)
            told = tl.where(is_old, above + former_part * (below - above), nowhere)
            q = tl.exp(told - tl.max(told, 1)[:, None])
            q = q / tl.sum(q, 1)[:, None]
            q_background = tl.sum(tl.where(is_background, q, 0.0), 1)
            q_others = tl.where(is_background, 0.0, q)
            # Differences first, so that large scores do not cancel each other in the sum.
            apart = tl.where(is_old, log_all[:, None] - scores, 0.0)
            loss = q_background * (log_all - log_background_or_new) + tl.sum(q_others * apart, 1)
            loss = tl.where(inside, loss, 0.0)
            of_teacher += loss
            if MAPS:
                tl.store(maps + pixel + (n_pixels if CLASSIFY else 0), loss, inside)
            if GRADIENT:
                merged = tl.exp(scores - log_background_or_new[:, None]) * q_background[:, None]
                slope = p - tl.where(is_background | is_new, merged, q_others)
                slope = tl.where(present, slope, 0.0)
                if WEIGHTED:
                    at = weights + pixel + (n_pixels if CLASSIFY else 0)
                    slope *= tl.load(at, inside, 0.0)[:, None]
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
        into = gradients + (image * N_CHANNELS + channel) * height * width + source[:, None]
        there = (source[:, None] < width) & (channel < N_CHANNELS)
        if WEIGHTED:
            label_top += teacher_top
            label_bottom += teacher_bottom
        if CLASSIFY or WEIGHTED:
            back = tl.dot(matrix, label_top, input_precision="ieee")
            tl.atomic_add(into + top * width, back, there)
            back = tl.dot(matrix, label_bottom, input_precision="ieee")
            tl.atomic_add(into + bottom * width, back, there)
        if DISTIL and not WEIGHTED:
            if CLASSIFY:
                into += n_slopes
            back = tl.dot(matrix, teacher_top, input_precision="ieee")
            tl.atomic_add(into + top * width, back, there)
            back = tl.dot(matrix, teacher_bottom, input_precision="ieee")
            tl.atomic_add(into + bottom * width, back, there)
