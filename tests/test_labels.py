import dataclasses

import pytest

from avalanche_seg.labels import BACKGROUND, N_LABELS, VOID, LabelSpace

SPACE = LabelSpace(steps=((4, 1), (3,), (5, 2)), names=("background", "a", "b", "c", "d", "e"))


def test_constants() -> None:
    assert (BACKGROUND, VOID, N_LABELS) == (0, 255, 256)


def test_channels_follow_the_order_of_learning() -> None:
    assert SPACE.class_order == (0, 4, 1, 3, 5, 2)
    assert SPACE.channel_names == ("background", "d", "a", "c", "e", "b")


def test_sizes() -> None:
    assert (SPACE.n_steps, SPACE.n_channels) == (3, 6)
    assert [SPACE.n_channels_after(step) for step in range(3)] == [3, 4, 6]


def test_background_belongs_to_step_0_only() -> None:
    assert [SPACE.channels_of_step(step) for step in range(3)] == [(0, 1, 2), (3,), (4, 5)]


def test_to_channels_inverts_class_order() -> None:
    assert SPACE.to_channels(SPACE.class_order) == (0, 1, 2, 3, 4, 5)
    assert SPACE.to_channels([2, 4, 0, 2]) == (5, 1, 0, 5)
    assert SPACE.to_channels([]) == ()


def test_a_class_that_is_left_out_has_no_channel() -> None:
    space = LabelSpace(steps=((3,), (1,)), names=("background", "a", "b", "c"))
    assert space.class_order == (0, 3, 1)
    assert space.channel_names == ("background", "c", "a")
    with pytest.raises(KeyError):
        space.to_channels([2])


def test_frozen_and_comparable() -> None:
    same = LabelSpace(steps=SPACE.steps, names=SPACE.names)
    assert same == SPACE
    assert hash(same) == hash(SPACE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        SPACE.steps = ()  # type: ignore[misc]


def test_where_zero_is_a_class_the_background_has_no_value_of_its_own() -> None:
    space = LabelSpace(((2, 0), (1,)), ("road", "car", "sky"), "class")
    assert space.class_order == (VOID, 2, 0, 1)
    assert space.channel_names == ("background", "sky", "road", "car")
    assert space.to_channels([0, 1]) == (2, 3)
    assert [space.channels_of_step(step) for step in range(2)] == [(0, 1, 2), (3,)]


def test_where_zero_is_unlabelled_the_background_keeps_its_value_and_gets_its_name() -> None:
    space = LabelSpace(((2,), (1,)), ("unlabelled", "wall", "sky"), "unlabelled")
    assert space.class_order == (0, 2, 1)
    assert space.channel_names == ("background", "sky", "wall")


def test_where_steps_are_domains_the_first_learns_all_and_nothing_is_background() -> None:
    space = LabelSpace(((0, 1, 2), (), ()), ("road", "car", "sky"), "class", has_background=False)
    assert (space.class_order, space.channel_names) == ((0, 1, 2), ("road", "car", "sky"))
    assert [space.n_channels_after(step) for step in range(3)] == [3, 3, 3]
    assert [space.channels_of_step(step) for step in range(3)] == [(0, 1, 2), (), ()]
    assert space.is_domain_incremental and not SPACE.is_domain_incremental
    assert space.to_channels([2, 0]) == (2, 0)
    kept = LabelSpace(((1, 2), ()), ("background", "a", "b"))
    assert (kept.class_order, kept.channels_of_step(0)) == ((0, 1, 2), (0, 1, 2))
