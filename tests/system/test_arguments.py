import math

import numpy as np
import pytest

from avalanche_seg.system import check_flags, check_number, check_whole, check_wholes

NO_NUMBERS = [math.nan, math.inf, -math.inf, "3", None, [], True, 1j]


@pytest.mark.parametrize("value", [0, 2, 0.5, np.float32(0.25), np.int64(3)])
def test_numbers_come_back_as_they_are(value):
    assert check_number("x", value) is value


@pytest.mark.parametrize("value", [*NO_NUMBERS, -0.1])
def test_what_is_no_number_from_zero_on(value):
    with pytest.raises(ValueError, match=r"^rate=.*; expected a finite number, zero or more$"):
        check_number("rate", value)


@pytest.mark.parametrize(
    ("bounds", "good", "bad", "expected"),
    [
        ({"most": 1}, 1, 1.1, "0 to 1"),
        ({"above": 0}, 0.1, 0, "a number above 0"),
        ({"above": 0, "below": 1}, 0.5, 1, "a number between 0 and 1"),
        ({"least": None}, -5, math.nan, "a finite number"),
        ({"least": 2, "what": "share"}, 2, 1, "a finite share, 2 or more"),
    ],
)
def test_bounds_are_said(bounds, good, bad, expected):
    assert check_number("x", good, **bounds) == good
    with pytest.raises(ValueError, match=f"^x={bad}; expected {expected}$"):
        check_number("x", bad, **bounds)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.5, 2.0, 0])
def test_what_is_no_whole_number(value):
    with pytest.raises(ValueError, match=r"^k=.*; expected a whole number, one or more$"):
        check_whole("k", value, least=1)


def test_several_whole_numbers():
    assert check_wholes("k", np.array([3, 1]), least=1) == [3, 1]
    with pytest.raises(ValueError, match=r"^k\[1\]=0.5;"):
        check_wholes("k", [1, 0.5])
    for wrong in (3, "12", None):
        with pytest.raises(ValueError, match="expected a list of whole numbers"):
            check_wholes("k", wrong)


@pytest.mark.parametrize("value", ["no", 0, None, "True"])
def test_a_switch_is_true_or_false(value):
    check_flags(strict=True, other=np.bool_(False))
    with pytest.raises(ValueError, match=r"^strict=.*; expected True or False$"):
        check_flags(strict=value)
