import warnings

import pytest
import torch

from avalanche_seg.kernels import GuidedTerms, choice, pixel_losses, use_kernels
from avalanche_seg.losses import cross_entropy
from tests.losses.batches import random_labels, random_logits


@pytest.fixture
def nothing_told(monkeypatch):
    monkeypatch.setattr(choice, "_told", set())
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)


@pytest.mark.parametrize(
    ("installed", "reason"), [(True, "the logits are on cpu"), (False, "Triton is not installed")]
)
def test_falls_back_with_one_message(nothing_told, monkeypatch, installed, reason):
    monkeypatch.setattr(choice, "_has_triton", lambda: installed)
    logits, target = random_logits(3).float(), random_labels(3)
    expected = cross_entropy(logits, target)
    with use_kernels("triton"), pytest.warns(UserWarning, match=reason) as told:
        assert cross_entropy(logits, target).equal(expected)
        assert cross_entropy(logits, target).equal(expected)
    assert len(told) == 1


@pytest.fixture
def a_gpu(monkeypatch):
    """What decides is asked about the CPU as if it were one, of capability 9.0."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    choice._runs_on.cache_clear()
    yield torch.device("cpu")
    choice._runs_on.cache_clear()


def test_a_kernel_that_cannot_be_compiled_is_told_of_once(a_gpu, monkeypatch):
    def no_compiler(*args, **kwargs):
        raise RuntimeError("Failed to find C compiler")

    fused = pytest.importorskip("avalanche_seg.kernels.fused")
    monkeypatch.setattr(fused, "fused_sweep", no_compiler)
    with pytest.warns(UserWarning, match="RuntimeError: Failed to find C compiler.*tiles") as told:
        assert not choice._runs_on(a_gpu) and not choice._runs_on(a_gpu)
    assert len(told) == 1


def test_an_older_gpu_computes_by_tiles_without_a_word(a_gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not choice._runs_on(a_gpu)


def test_other_losses_and_other_choices_say_nothing(nothing_told):
    logits, target = random_logits(3).float(), random_labels(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_entropy(logits, target)
        with use_kernels("triton"):
            guided = GuidedTerms(1.0, 1.0)
            size = target.shape[1:]
            pixel_losses(guided, logits, size, target=target, teacher_logits=logits[:, :2])
            with use_kernels("tiles"):
                cross_entropy(logits, target)


def test_unknown_kernels_are_refused():
    with pytest.raises(
        ValueError, match="kernels='cuda' is unknown; expected one of auto, tiles, triton"
    ):
        use_kernels("cuda").__enter__()
