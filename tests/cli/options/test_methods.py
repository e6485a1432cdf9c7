import inspect

import pytest

from avalanche_seg import strategies
from avalanche_seg.cli.options import methods
from avalanche_seg.cli.options.methods import FLAGS, METHODS, argument_of, complete
from avalanche_seg.cli.options.parser import read_flags
from avalanche_seg.training import SegmentationTemplate


def test_every_strategy_is_a_method_by_its_original_name():
    assert list(METHODS)[:4] == ["FT", "LWF", "LWF-MC", "ILT"]
    assert {cls.__name__ for cls in METHODS.values()} == set(strategies.__all__)


@pytest.mark.parametrize("method", METHODS)
def test_every_published_default_is_the_constructors(method):
    parameters = inspect.signature(METHODS[method]).parameters
    arguments = complete(method, {})
    assert arguments == {name: parameters[name].default for name in arguments}
    assert set(argument_of(method)) <= set(FLAGS)


def test_the_originals_flags_belong_to_their_methods():
    belongs = {flag: spec.methods for flag, spec in FLAGS.items()}
    assert belongs["loss_kd"] == ("LWF", "ILT", "MiB", "SMiB", "EWF")
    assert belongs["loss_de"] == ("ILT",) and belongs["icarl_importance"] == ("LWF-MC",)
    assert belongs["reg_importance"] == ("EWC", "RW", "PI")
    assert belongs["reg_alpha"] == ("EWC", "RW") and belongs["reg_iterations"] == ("RW",)


def test_a_new_methods_arguments_are_flags_at_once(monkeypatch):
    class Pool(SegmentationTemplate):
        """Distils pooled features.

        Args:
            pool_weight: factor of the pooled
                distillation; 0.01 as published.
            warm: start gently.
            hook: no flag can give it.
        """

        def __init__(self, *, pool_weight: float = 0.01, warm: bool = True, hook=None, **options):
            super().__init__(**options)

    monkeypatch.setitem(METHODS, "Pool", Pool)
    flags = methods._specs()
    assert flags["pool_weight"].help == "factor of the pooled distillation"
    assert (flags["pool_weight"].default_text, flags["pool_weight"].methods) == (
        "Pool 0.01",
        ("Pool",),
    )
    assert flags["pod_weight"].help == "factor of every feature map", "of the method below EWF-PLOP"
    assert "hook" not in flags
    given = read_flags(["--pool-weight", "2", "--no_warm"], flags)
    assert complete("Pool", given) == {"pool_weight": 2.0, "warm": False}
