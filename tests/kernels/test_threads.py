import multiprocessing
import threading
import time

import pytest
import torch

from avalanche_seg.kernels import SoftmaxTerms, pixel_losses
from avalanche_seg.kernels.threads import in_threads
from tests.losses.batches import random_labels, random_logits


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def slow_first(seen):
    """The first unit takes longest; a thread says what it was called with."""

    def worker():
        def compute(unit):
            time.sleep(0.02 if unit == 0 else 0)
            seen.append((threading.get_ident(), torch.get_num_threads(), torch.is_grad_enabled()))
            return lambda: unit

        return compute

    return worker


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_second_parts_are_done_in_order_whoever_is_late(threads, n_threads):
    threads(n_threads)
    seen = []
    assert in_threads(range(9), slow_first(seen)) == list(range(9))
    assert len(seen) == 9 and 1 <= len({thread for thread, *_ in seen}) <= n_threads
    assert {(n, gradients) for _, n, gradients in seen} == {(1, False)}
    assert torch.get_num_threads() == n_threads and torch.is_grad_enabled()


def test_more_threads_than_units_and_no_units(threads):
    threads(3)
    assert in_threads([5], lambda: lambda unit: lambda: unit) == [5]
    assert in_threads([], lambda: lambda unit: lambda: unit) == []


@pytest.mark.parametrize("where", ["worker", "compute", "finish"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_is_raised_and_nothing_waits(threads, where, n_threads):
    threads(n_threads)

    def fail(name, unit=3):
        if name == where and unit == 3:
            raise KeyError("lost")

    def worker():
        fail("worker")

        def compute(unit):
            fail("compute", unit)
            return lambda: fail("finish", unit)

        return compute

    with pytest.raises(KeyError, match="lost"):
        in_threads(range(6), worker)
    assert torch.get_num_threads() == n_threads
    assert in_threads([1, 2, 3], lambda: lambda unit: lambda: unit) == [1, 2, 3]


def test_a_forked_process_has_threads_of_its_own(threads):
    threads(2)
    in_threads([1, 2], lambda: lambda unit: lambda: unit)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=in_threads, args=([1, 2], lambda: lambda unit: lambda: unit))
    process.start()
    process.join(20)
    assert process.exitcode == 0


def losses_and_gradient(maps, height=37):
    logits = random_logits(6, (5, 40)).requires_grad_()
    size = (height, 600)
    losses = pixel_losses(
        SoftmaxTerms(4),
        logits,
        size,
        target=random_labels(6, size),
        teacher_logits=random_logits(4, (2, 20), seed=5),
        maps=maps,
    )
    sum(loss.sum() for loss in losses).backward()
    return *losses, logits.grad


@pytest.mark.parametrize("maps", [False, True])
def test_losses_are_bit_for_bit_those_of_one_thread(threads, maps):
    threads(1)
    expected = losses_and_gradient(maps)
    for n_threads in (2, 3):
        threads(n_threads)
        for value, other in zip(expected, losses_and_gradient(maps), strict=True):
            assert other.equal(value)
