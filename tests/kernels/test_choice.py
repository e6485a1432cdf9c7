import warnings

import pytest

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
