import pytest
import torch

from avalanche_seg.models.channels import check_channels, class_scores, next_groups


@pytest.mark.parametrize("n_extra", [0, 1, 2])
@pytest.mark.parametrize(
    ("background", "of_step_0"),
    [
        ("shared", [("classes", 4)]),
        ("separate", [("background", 1), ("classes", 3)]),
        ("none", [("classes", 3)]),
    ],
)
def test_groups_of_the_first_steps(background, of_step_0, n_extra):
    options = {"n_extra": n_extra, "background": background}
    extra = [("extra", n_extra)] if n_extra else []
    first = next_groups(0, 4, **options)
    assert [(group.kind, group.n_channels) for group in first] == extra + of_step_0
    assert {group.step for group in first} == {0}
    assert next_groups(2, 5, **options) == [("classes", 2, 5)]


def test_the_background_may_be_alone_at_step_0():
    assert next_groups(0, 1, background="separate") == [("background", 0, 1)]


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("n_new", [0, -1])
def test_a_step_adds_something(step, n_new):
    with pytest.raises(ValueError, match=f"n_new={n_new}; expected at least one"):
        next_groups(step, n_new)


def test_options_are_checked():
    check_channels(0, "none")
    with pytest.raises(ValueError, match="n_extra=-1"):
        check_channels(-1, "shared")
    with pytest.raises(ValueError, match="background='own'"):
        check_channels(0, "own")


def test_scores_are_the_logits_where_every_channel_is_a_class():
    logits = torch.randn(2, 5, 3, 4)
    assert class_scores(logits) is logits
    assert class_scores(logits, background="separate") is logits


@pytest.mark.parametrize("n_extra", [0, 2])
def test_without_a_channel_the_background_is_where_no_class_is_likely(n_extra):
    torch.manual_seed(0)
    logits = 3 * torch.randn(2, 5, 8, 8)
    scores = class_scores(logits, n_extra=n_extra, background="none")
    probability, best = logits[:, n_extra:].sigmoid().max(dim=1)
    expected = torch.where(probability > 0.5, best + 1, 0)
    assert torch.equal(scores.argmax(dim=1), expected)
    assert scores.shape[1] == 6 - n_extra
    assert expected.eq(0).any() and expected.gt(0).any()
