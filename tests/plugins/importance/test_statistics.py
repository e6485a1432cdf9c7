import pytest
import torch

from avalanche_seg.plugins.importance.statistics import (
    EWCImportance,
    PIImportance,
    RWImportance,
    min_max,
)

ALL = [EWCImportance, PIImportance, RWImportance]


def parameters(value=0.0):
    return {"a": torch.full((2,), value, dtype=torch.float64), "b": torch.zeros(1).double()}


def gradients(a, b=0.0):
    return [torch.tensor(a, dtype=torch.float64), torch.tensor([b], dtype=torch.float64)]


def test_min_max_of_equal_values_is_zero():
    assert min_max(torch.full((3,), 7.0)).tolist() == [0.0, 0.0, 0.0]


def test_ewc_by_hand():
    ewc = EWCImportance(decay=0.9)
    ewc.begin_step(parameters())
    ewc.update(parameters(), gradients([1.0, 2.0]))
    ewc.update(parameters(), gradients([0.0, 1.0]))
    # F: 1 -> 0.9 + 0.1 = 1.0 -> 0.1; 1 -> 3.6 + 0.1 = 3.7 -> 0.9 + 0.37 = 1.27
    assert ewc.fisher["a"].tolist() == pytest.approx([0.1, 1.27])
    assert ewc.end_step(parameters())["a"].tolist() == pytest.approx([0.0, 1.0])
    ewc.begin_step(parameters())
    assert ewc.fisher["a"].tolist() == pytest.approx([0.1, 1.27]), "carried, not normalised"


def test_pi_by_hand():
    pi = PIImportance()
    pi.begin_step(parameters(0.0))
    pi.update(parameters(0.0), gradients([5.0, 5.0]))  # the first iteration only notes theta
    pi.update(parameters(1.0), gradients([-2.0, 3.0]))  # delta = g (0 - 1) = 2, -3
    pi.end_step(parameters(2.0))
    assert pi.score["a"].tolist() == pytest.approx([2.0 / 4.0, 0.0])
    pi.begin_step(parameters(2.0))
    pi.end_step(parameters(3.0))
    assert pi.score["a"].tolist() == pytest.approx([0.5, 0.0]), "added to the previous score"


def test_rw_by_hand():
    rw = RWImportance(decay=0.9, interval=2)
    rw.begin_step(parameters(0.0))
    rw.update(parameters(0.0), gradients([1.0, 1.0]))  # iteration 0: reference; F = 1
    rw.update(parameters(1.0), gradients([9.0, 9.0]))  # iteration 1: F only
    fisher = 0.9 * 81 + 0.1
    rw.update(parameters(2.0), gradients([-3.0, 3.0]))  # iteration 2: path with the F so far
    expected = 6.0 / (0.5 * fisher * 4.0 + 1e-8)
    assert rw.path["a"].tolist() == pytest.approx([expected, -expected])
    rw.end_step(parameters(2.0))
    assert rw.score["a"].tolist() == pytest.approx([expected, 0.0])
    rw.begin_step(parameters(2.0))
    rw.end_step(parameters(2.0))
    assert rw.score["a"].tolist() == pytest.approx([expected / 2, 0.0]), "half and half"


def test_rw_with_fewer_iterations_than_its_interval_is_finite():
    rw = RWImportance(interval=10)
    rw.begin_step(parameters())
    for _ in range(3):
        rw.update(parameters(), gradients([1.0, 2.0]))
    assert all(w.isfinite().all() for w in rw.end_step(parameters()).values())


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan")])
def test_decay_must_be_a_share(decay):
    with pytest.raises(ValueError, match="expected 0 to 1"):
        EWCImportance(decay)


def test_interval_must_be_positive():
    with pytest.raises(ValueError, match="one iteration or more"):
        RWImportance(interval=0)


@pytest.mark.parametrize("make", ALL)
def test_state_goes_on_where_it_stopped(make):
    torch.manual_seed(0)
    steps = [[(torch.randn(2).double(), gradients([0.3, -1.0])) for _ in range(25)] for _ in "ab"]
    results = []
    for interrupted in (False, True):
        importance = make()
        for updates in steps:
            importance.begin_step(parameters())
            for i, (theta, g) in enumerate(updates):
                if interrupted and i == 13:
                    state = {k: _copied(v) for k, v in importance.state_dict().items()}
                    importance = make()
                    importance.load_state_dict(state)
                importance.update({"a": theta, "b": torch.zeros(1).double()}, g)
            results.append(importance.end_step(parameters(0.5)))
    for whole, resumed in zip(results[:2], results[2:], strict=True):
        assert all(whole[name].equal(resumed[name]) for name in whole)


def _copied(value):
    return {k: v.clone() for k, v in value.items()} if isinstance(value, dict) else value
