"""What the page of reproducibility says was checked is there."""

import re
from pathlib import Path

import pytest

from avalanche_seg.cli.options.methods import METHODS
from experiments.checks import CHECKS, LOOP_TOLERANCE

ROOT = Path(__file__).parents[2]


def test_every_method_is_told_of_and_no_other():
    assert CHECKS.keys() == METHODS.keys()


@pytest.mark.parametrize("method", METHODS)
def test_the_tests_that_it_names_are_there(method):
    checks = CHECKS[method]
    assert bool(checks.loop) != bool(checks.instead)
    file, _, name = (checks.loop or f"{checks.formulas[0]}::").partition("::")
    source = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"^def {name}\(", source, re.MULTILINE)
    if checks.loop:  # It compares the weights of this method's strategy with a plain loop's.
        assert METHODS[method].__name__ in source and "assert_same_weights" in source
    assert checks.formulas and all((ROOT / path).is_file() for path in checks.formulas)


def test_the_tolerance_is_the_tests():
    source = (ROOT / "tests/strategies/test_methods.py").read_text(encoding="utf-8")
    assert f"rtol={LOOP_TOLERANCE}" in source
