import pytest

from avalanche_seg.system import check_free_space


def test_what_fits_exactly_is_let_through():
    check_free_space("a file", 100, 100, "here", "delete")


def test_too_much_is_refused_with_both_sizes():
    with pytest.raises(ValueError) as error:
        check_free_space("the cache", 3 * 2**30, 2**29, "the folder x", "delete something")
    assert str(error.value) == (
        "the folder x has 0.50 GiB of free space; the cache takes 3.00: delete something"
    )
