"""What help shows of a strategy, and whose plugins come first."""

import inspect

import pytest

from avalanche_seg import strategies
from avalanche_seg.plugins import PolyLRPlugin, UnbiasedDistillationPlugin
from avalanche_seg.strategies import MiB
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, sgd
from tests.tiny import tiny_model

METHODS = [getattr(strategies, name) for name in strategies.__all__]


@pytest.mark.parametrize("method", METHODS)
def test_help_shows_every_option_of_every_method(method):
    shown = inspect.signature(method).parameters
    assert set(TemplateOptions.__annotations__) <= set(shown)
    assert all(p.kind is p.KEYWORD_ONLY for p in shown.values())
    own = inspect.signature(SegmentationTemplate).parameters
    for name in TemplateOptions.__annotations__:
        assert shown[name].default == own[name].default


def test_a_methods_own_arguments_stand_with_their_defaults():
    shown = inspect.signature(MiB).parameters
    assert shown["kd_weight"].default == 10.0
    assert "criterion" not in shown and "options" not in shown
    assert list(shown)[:2] == ["model", "optimizer"]


def test_a_subclass_of_ones_own_shows_them_too():
    class Mine(MiB):
        def __init__(self, *, gamma: float = 0.5, **options):
            super().__init__(**options)

    shown = inspect.signature(Mine).parameters
    assert shown["gamma"].default == 0.5 and "train_mb_size" in shown


def test_a_methods_plugins_come_before_the_users():
    mine = [PolyLRPlugin()]
    strategy = MiB(model=tiny_model(), optimizer=sgd(), plugins=mine, evaluator=None)
    kinds = [type(plugin) for plugin in strategy.plugins]
    assert kinds.index(UnbiasedDistillationPlugin) < kinds.index(PolyLRPlugin)
    assert len(mine) == 1


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match="train_mb_sizes"):
        MiB(model=tiny_model(), optimizer=sgd(), train_mb_sizes=4)
