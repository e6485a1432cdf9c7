"""What a plugin can be given."""

from types import SimpleNamespace

import pytest

from avalanche_seg.plugins import ExtraInitPlugin, PseudoLabelPlugin, UnknownLabelPlugin
from avalanche_seg.plugins.base import check_label_depth


def step_of(n_channels):
    return SimpleNamespace(
        current_experience=0,
        label_space=SimpleNamespace(n_channels=n_channels),
        classes_in_this_experience=[0, 1],
        previous_classes=[],
    )


@pytest.mark.parametrize("plugin", [ExtraInitPlugin, PseudoLabelPlugin, UnknownLabelPlugin])
@pytest.mark.parametrize("n_channels", [255, 301])
def test_plugins_with_labels_of_their_own_take_fewer_than_255_classes(plugin, n_channels):
    strategy = SimpleNamespace(experience=step_of(n_channels))
    told = rf"{plugin.__name__} writes labels of 8 bits; .* has {n_channels}: take a method"
    with pytest.raises(ValueError, match=told):
        plugin().before_training_exp(strategy)


def test_other_benchmarks_are_not_looked_at():
    check_label_depth(object(), step_of(254))
    check_label_depth(object(), SimpleNamespace())
