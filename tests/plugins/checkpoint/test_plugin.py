"""Training that is broken off anywhere ends with the weights of the one that is not."""

import random

import numpy as np
import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.losses import CrossEntropy
from avalanche_seg.plugins import (
    CheckpointPlugin,
    EWCPlugin,
    PolyLRPlugin,
    SegmentationPlugin,
    read_state,
)
from avalanche_seg.strategies import (
    DFT,
    DKDM,
    EWC,
    EWF,
    EWFPLOP,
    ILT,
    LGKD,
    PI,
    PLOP,
    RW,
    SSULM,
    FineTuning,
    LwFMC,
    MiB,
    SMiB,
)
from avalanche_seg.system import get_random_state, set_random_state
from avalanche_seg.training import sgd
from tests.breaking import BreakOff, BrokenOffError
from tests.tiny import tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """11 iterations: step 0 has 3 an epoch, step 1 one or two."""
    root = tmp_path_factory.mktemp("checkpoint")
    return tiny_benchmark(root, train_transform=train_preset(32))


def train(strategy_class, benchmark, path, *, break_at=None, workers=0, settings=None, **options):
    torch.manual_seed(0)
    every = options.pop("every_iterations", 2)
    checkpoint = CheckpointPlugin(path, every_iterations=every, settings=settings)
    breaking = [] if break_at is None else [BreakOff(break_at)]
    if strategy_class is SMiB:
        options = {"memory": 1, **options}
    if strategy_class in (SSULM, DKDM):
        options = {"memory_size": 4, **options}
    strategy = strategy_class(
        model=tiny_model(**strategy_class.model_options),
        optimizer=sgd(0.05),
        train_mb_size=4,
        train_epochs=3,
        evaluator=None,
        plugins=[PolyLRPlugin(), *breaking, checkpoint],
        loader={"num_workers": workers},
        **options,
    )
    trained = []
    for experience in checkpoint.remaining(strategy, benchmark.train_stream):
        trained.append(experience.current_experience)
        strategy.train(experience, eval_streams=[])
    return strategy, trained


def assert_same(first, second):
    for name, value in first.model.state_dict().items():
        assert value.equal(second.model.state_dict()[name]), name


@pytest.mark.parametrize(
    "strategy_class",
    [FineTuning, MiB, ILT, LwFMC, EWC, PI, RW, SMiB, PLOP, EWF, EWFPLOP, LGKD, DFT, SSULM, DKDM],
)
@pytest.mark.parametrize("break_at", [2, 6, 11])
def test_going_on_gives_the_same_weights(strategy_class, break_at, benchmark, tmp_path):
    whole, _ = train(strategy_class, benchmark, tmp_path / "whole.pt")
    with pytest.raises(BrokenOffError):
        train(strategy_class, benchmark, tmp_path / "state.pt", break_at=break_at)
    resumed, _ = train(strategy_class, benchmark, tmp_path / "state.pt")
    assert_same(whole, resumed)
    assert resumed.clock.train_iterations == whole.clock.train_iterations
    assert resumed.train_epochs == 3
    if strategy_class is SMiB:
        assert resumed.replay.memory.exemplars == whole.replay.memory.exemplars


def test_broken_off_again_and_again_with_any_number_of_workers(benchmark, tmp_path):
    whole, _ = train(MiB, benchmark, tmp_path / "whole.pt")
    for workers in (2, 0, 1):
        with pytest.raises(BrokenOffError):
            train(MiB, benchmark, tmp_path / "state.pt", break_at=3, workers=workers)
    resumed, _ = train(MiB, benchmark, tmp_path / "state.pt")
    assert_same(whole, resumed)


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_half_precision_goes_on_too(amp, benchmark, tmp_path):
    whole, _ = train(MiB, benchmark, tmp_path / "whole.pt", amp=amp)
    with pytest.raises(BrokenOffError):
        train(MiB, benchmark, tmp_path / "state.pt", break_at=10, amp=amp)
    resumed, _ = train(MiB, benchmark, tmp_path / "state.pt", amp=amp)
    assert_same(whole, resumed)
    assert resumed.precision.scaler.state_dict() == whole.precision.scaler.state_dict()


def test_a_fixed_share_of_exemplars_goes_on_too(benchmark, tmp_path):
    whole, _ = train(SMiB, benchmark, tmp_path / "whole.pt", share=0.5)
    with pytest.raises(BrokenOffError):
        train(SMiB, benchmark, tmp_path / "state.pt", share=0.5, break_at=12)
    resumed, _ = train(SMiB, benchmark, tmp_path / "state.pt", share=0.5)
    assert_same(whole, resumed)


def test_a_finished_training_trains_nothing_more(benchmark, tmp_path):
    whole, steps = train(RW, benchmark, tmp_path / "state.pt")
    assert steps == [0, 1]
    again, steps = train(RW, benchmark, tmp_path / "state.pt", break_at=1)
    assert steps == [1], "the last step is given once more, without an iteration"
    assert_same(whole, again)
    for name, value in whole.plugins[0].penalty.importances.items():
        assert value.equal(again.plugins[0].penalty.importances[name])


def test_it_goes_on_after_the_last_finished_epoch(benchmark, tmp_path):
    with pytest.raises(BrokenOffError):
        train(MiB, benchmark, tmp_path / "state.pt", break_at=6, every_iterations=None)
    state = read_state(tmp_path / "state.pt")
    assert (state["step"], state["epochs"], state["batches"]) == (0, 1, 0)
    assert state["clock"]["train_exp_iterations"] == 3


def test_stop_saves_and_interrupts(benchmark, tmp_path):
    class Stop(SegmentationPlugin):
        def after_forward(self, strategy, **kwargs):
            checkpoint.stop = strategy.clock.train_iterations == 4

    checkpoint = CheckpointPlugin(tmp_path / "state.pt")
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.05),
        train_mb_size=4,
        train_epochs=3,
        evaluator=None,
        plugins=[Stop(), checkpoint],
    )
    with pytest.raises(KeyboardInterrupt, match=r"state\.pt"):
        strategy.train(benchmark.train_stream, eval_streams=[])
    state = read_state(tmp_path / "state.pt")
    assert (state["epochs"], state["batches"]) == (1, 2)


def one_optimizer(benchmark, path, strategy_class=FineTuning, break_at=None):
    """A training of three steps with one optimizer of the user's."""
    torch.manual_seed(0)
    model, checkpoint = tiny_model(), CheckpointPlugin(path, every_iterations=1)
    strategy = strategy_class(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
        train_mb_size=4,
        evaluator=None,
        plugins=[*([] if break_at is None else [BreakOff(break_at)]), checkpoint],
    )
    for experience in checkpoint.remaining(strategy, benchmark.train_stream):
        strategy.train(experience, eval_streams=[])
    return strategy


class Stock(SupervisedTemplate):
    """A strategy on Avalanche's own template and loaders."""

    def _unpack_minibatch(self):
        self.mbatch[1] = self.mbatch[1].long()
        super()._unpack_minibatch()

    def criterion(self):
        return CrossEntropy()(self.mb_output.logits, self.mb_y)


@pytest.mark.parametrize("strategy_class", [FineTuning, Stock])
@pytest.mark.parametrize("break_at", [2, 4])
def test_one_optimizer_and_avalanches_own_template(strategy_class, break_at, tmp_path):
    benchmark = tiny_benchmark(tmp_path, task="10-5", train_transform=train_preset(32))
    whole = one_optimizer(benchmark, tmp_path / "whole.pt", strategy_class)
    with pytest.raises(BrokenOffError):
        one_optimizer(benchmark, tmp_path / "state.pt", strategy_class, break_at)
    assert_same(whole, one_optimizer(benchmark, tmp_path / "state.pt", strategy_class))


def test_a_state_of_a_step_that_is_not_to_be_trained_is_left_alone(benchmark, tmp_path):
    path = tmp_path / "state.pt"
    train(FineTuning, benchmark, path, settings={"lr": 1})
    checkpoint = CheckpointPlugin(path, settings={"lr": 2})
    (left,) = checkpoint.remaining(None, benchmark.train_stream[:1])
    assert left.current_experience == 0


def test_other_settings_are_refused_by_name(benchmark, tmp_path):
    path = tmp_path / "state.pt"
    train(FineTuning, benchmark, path, settings={"lr": 0.1, "data": "abc", "gone": 1})
    with pytest.raises(ValueError, match=r"gone was 1 and is 'not set'; lr was 0\.1 and is 0\.2"):
        train(FineTuning, benchmark, path, settings={"lr": 0.2, "data": "abc"})


def test_other_plugins_are_refused(benchmark, tmp_path):
    with pytest.raises(BrokenOffError):
        train(EWC, benchmark, tmp_path / "state.pt", break_at=6)
    with pytest.raises(ValueError, match=r"EWCPlugin\.0; the strategy has RWPlugin\.0"):
        train(RW, benchmark, tmp_path / "state.pt")


def test_it_must_be_listed_after_plugins_with_a_state(benchmark, tmp_path):
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.05),
        evaluator=None,
        plugins=[CheckpointPlugin(tmp_path / "state.pt"), EWCPlugin()],
    )
    with pytest.raises(ValueError, match="EWCPlugin is listed after CheckpointPlugin"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])


def test_every_iterations_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="every_iterations=0"):
        CheckpointPlugin(tmp_path / "state.pt", every_iterations=0)


def test_random_states_of_all_generators_come_back(tmp_path):
    state = get_random_state()
    torch.save(state, tmp_path / "random.pt")
    state = torch.load(tmp_path / "random.pt", weights_only=True)
    first = draws()
    set_random_state(state)
    assert draws() == first


def draws():
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002
