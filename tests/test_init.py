"""What ``import avalanche_seg`` gives: every public name, imported when it is used."""

import importlib
import subprocess
import sys
from collections import Counter

import pytest

import avalanche_seg
from tests.test_architecture import MAY_IMPORT


def exported(name):
    return importlib.import_module(f"avalanche_seg.{name}").__all__


@pytest.mark.parametrize("subpackage", sorted(MAY_IMPORT))
def test_every_public_name_of_a_subpackage_is_one_of_the_package(subpackage):
    module = importlib.import_module(f"avalanche_seg.{subpackage}")
    assert getattr(avalanche_seg, subpackage) is module
    for name in module.__all__:
        assert getattr(avalanche_seg, name) is getattr(module, name)
        assert name in dir(avalanche_seg)


def test_no_name_is_exported_twice():
    counted = Counter(name for subpackage in MAY_IMPORT for name in exported(subpackage))
    counted.update(list(MAY_IMPORT))  # Nor is a name that of a subpackage.
    assert [name for name, n in counted.items() if n > 1] == []


def test_the_subpackages_are_those_of_the_import_rule():
    assert set(avalanche_seg._SUBPACKAGES) == set(MAY_IMPORT)


def test_importing_the_package_imports_neither_torch_nor_avalanche():
    code = (
        "import sys, avalanche_seg\n"
        "assert 'MiB' in dir(avalanche_seg)\n"
        "assert not {'torch', 'avalanche', 'numpy'} & set(sys.modules)\n"
        "from avalanche_seg import MiB, VOCIncremental, losses, recipe\n"
        "assert MiB.__module__ == 'avalanche_seg.strategies.mib'\n"
        "assert losses.MiBLoss is avalanche_seg.MiBLoss"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MIB", "no attribute 'MIB'; did you mean MiB"),
        ("VOCIncrementl", "did you mean VOCIncremental"),
        ("model", "models"),
        ("qqqqqqq", "no attribute 'qqqqqqq'$"),
        ("_private", "no attribute '_private'"),
    ],
)
def test_unknown_names_raise_with_near_ones(name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(avalanche_seg, name)


def test_an_unknown_name_cannot_be_imported():
    with pytest.raises(ImportError, match="Unknown"):
        from avalanche_seg import Unknown  # noqa: F401
