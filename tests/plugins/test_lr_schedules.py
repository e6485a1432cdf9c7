import pytest
import torch

from avalanche_seg.plugins import PolyLRPlugin, SegmentationPlugin, StepLRPlugin
from avalanche_seg.plugins.lr_schedules import poly_factor
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


class RateSpy(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.rates = []

    def before_update(self, strategy, **kwargs):
        self.rates.append([group["lr"] for group in strategy.optimizer.param_groups])


def rates(tmp_path, optimizer_of, power=0.9):
    benchmark = tiny_benchmark(tmp_path)
    spy, model = RateSpy(), tiny_model()
    strategy = FineTuning(
        model=model,
        optimizer=optimizer_of(model),
        train_mb_size=4,
        train_epochs=3,
        plugins=[PolyLRPlugin(power), spy],
        evaluator=None,
    )
    by_step = []
    for experience in benchmark.train_stream:
        spy.rates = []
        strategy.train(experience, eval_streams=[])
        by_step.append(spy.rates)
    return by_step


def test_rate_follows_the_formula_and_restarts_each_step(tmp_path):
    for base, seen in zip((0.1, 0.02), rates(tmp_path, lambda _: sgd(0.1, 0.02)), strict=True):
        total = len(seen)
        assert total > 2
        expected = [base * (1 - i / total) ** 0.9 for i in range(total)]
        assert [rate for (rate,) in seen] == pytest.approx(expected)


def test_a_reused_optimizer_restarts_from_its_own_rate(tmp_path):
    by_step = rates(tmp_path, lambda model: torch.optim.SGD(model.parameters(), lr=0.3))
    assert [seen[0][0] for seen in by_step] == [0.3, 0.3]
    assert all(rate == 0.3 for rate in by_step[1][0]), "the new head's group included"


def test_factor_never_leaves_0_to_1():
    assert [poly_factor(i, 2) for i in (0, 2, 3)] == [1.0, 0.0, 0.0]
    assert poly_factor(1, 2, power=0.0) == 1.0


def test_negative_power_is_refused():
    with pytest.raises(ValueError, match="zero or more"):
        PolyLRPlugin(-0.1)


def test_step_schedule_decays_after_every_so_many_iterations():
    plugin = StepLRPlugin(every=3, decay=0.5)
    assert [plugin.factor(i, 100) for i in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("arguments", [{"every": 0}, {"decay": -1.0}])
def test_bad_step_schedule(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}="):
        StepLRPlugin(**arguments)


def test_the_rate_rises_over_a_share_of_the_iterations():
    plugin = PolyLRPlugin(0.9, warmup=0.2)
    for iteration in range(50):
        rise = 0.001 + 0.999 * iteration / 10 if iteration < 10 else 1.0
        expected = rise * (1 - iteration / 50) ** 0.9
        assert plugin.factor(iteration, 50) == pytest.approx(expected)


def test_no_rate_falls_below_the_floor(tmp_path):
    spy, model = RateSpy(), tiny_model()
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.1),
        train_mb_size=4,
        train_epochs=3,
        plugins=[PolyLRPlugin(floor=0.06), spy],
        evaluator=None,
    )
    strategy.train(tiny_benchmark(tmp_path).train_stream[0], eval_streams=[])
    n = len(spy.rates)
    expected = [max(0.06, 0.1 * (1 - i / n) ** 0.9) for i in range(n)]
    assert [rate for (rate,) in spy.rates] == pytest.approx(expected)
    assert spy.rates[-1] == [0.06]


@pytest.mark.parametrize("options", [{"warmup": 1.5}, {"warmup_start": -1.0}, {"floor": -1.0}])
def test_bad_schedules(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        PolyLRPlugin(**options)
