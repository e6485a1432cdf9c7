"""Networks that do not grow are refused before step 0 is trained, or train as they should."""

import copy

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate
from torch import nn

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.losses import CrossEntropy, DistillationTerm, UnbiasedCrossEntropy
from avalanche_seg.models import SegmentationOutput
from avalanche_seg.plugins import (
    BalancedInitPlugin,
    FreezePlugin,
    ObjectivePlugin,
    TargetPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.plugins.growth import check_growth, grows
from avalanche_seg.strategies import (
    EWC,
    ILT,
    PI,
    PLOP,
    RW,
    FineTuning,
    Joint,
    LwF,
    LwFMC,
    MiB,
    SMiB,
)
from avalanche_seg.training import RoleOptions, SegmentationTemplate, sgd
from tests.tiny import tiny_benchmark, tiny_model

COUNTING = [ILT, LwF, LwFMC, MiB, SMiB, PLOP]
OTHERS = [EWC, FineTuning, PI, RW]


class Network(nn.Module):
    """Images to a SegmentationOutput of a fixed number of channels."""

    def __init__(self, n_channels):
        super().__init__()
        self.layer = nn.Conv2d(3, n_channels, 3, stride=2, padding=1)

    def forward(self, images):
        return SegmentationOutput(self.layer(images), (), {"head": images})


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("growth"), task="10-5")


def make(strategy_class, model, **options):
    arguments = {"optimizer": sgd(0.01), "train_mb_size": 4, "evaluator": None}
    return strategy_class(model=model, **(arguments | options))


def refused(strategy, benchmark, message):
    before = copy.deepcopy(strategy.model.state_dict())
    with pytest.raises(ValueError, match=message) as error:
        strategy.train(benchmark.train_stream, eval_streams=[])
    assert "\n" not in str(error.value)
    after = strategy.model.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())


@pytest.mark.parametrize("strategy_class", [*COUNTING, *OTHERS])
@pytest.mark.parametrize("n_channels", [2, 11, 20])
def test_too_few_channels_for_all_steps_are_refused(strategy_class, n_channels, benchmark):
    strategy = make(strategy_class, Network(n_channels))
    refused(strategy, benchmark, r"Network has (\d+ channels and )?no .*; .*(grow|as_incremental)")


@pytest.mark.parametrize("strategy_class", COUNTING)
@pytest.mark.parametrize("n_channels", [21, 30])
def test_methods_that_count_old_channels_refuse_any_fixed_number(
    strategy_class, n_channels, benchmark
):
    refused(make(strategy_class, Network(n_channels)), benchmark, "Network has .*as_incremental")


@pytest.mark.parametrize("strategy_class", OTHERS)
@pytest.mark.parametrize("n_channels", [21, 30])
def test_enough_channels_for_the_whole_task_train(strategy_class, n_channels, benchmark):
    model = Network(n_channels)
    make(strategy_class, model).train(benchmark.train_stream, eval_streams=[])
    assert model.layer.weight.isfinite().all()


def test_a_single_step_needs_no_growth(tmp_path):
    offline = tiny_benchmark(tmp_path, task="offline")
    make(Joint, Network(21)).train(offline.train_stream, eval_streams=[])
    refused(make(Joint, Network(20)), offline, "Network has 20 channels.*21 classes")


class SureOnly(TargetPlugin):
    def targets(self, batch):
        return batch.target, None


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"criterion": UnbiasedCrossEntropy()}, "UnbiasedCrossEntropy"),
        ({"plugins": [UnbiasedDistillationPlugin()]}, "UnbiasedDistillationPlugin"),
        ({"plugins": [ObjectivePlugin(DistillationTerm(1.0))]}, "TeacherPlugin"),
        ({"plugins": [SureOnly()]}, "SureOnly"),
        ({"plugins": [BalancedInitPlugin()]}, "BalancedInitPlugin"),
        ({"plugins": [FreezePlugin(heads_only=True)]}, "heads_only=True"),
        ({"optimizer": sgd(roles={"body": RoleOptions()})}, "no method parameter_roles"),
    ],
)
def test_parts_that_need_heads_say_so_by_name(options, name, benchmark):
    refused(make(SegmentationTemplate, Network(21), **options), benchmark, name)


def test_an_objective_that_asks_for_a_teacher_gets_one(benchmark):
    plugin = ObjectivePlugin(DistillationTerm(1.0))
    strategy = make(SegmentationTemplate, tiny_model(), plugins=[plugin])
    strategy.train(benchmark.train_stream[:2], eval_streams=[])
    assert strategy.model.n_classes == 16


class Plain(SupervisedTemplate):
    def _unpack_minibatch(self):
        super()._unpack_minibatch()
        self.mbatch[1] = self.mbatch[1].long()

    def criterion(self):
        return CrossEntropy()(self.mb_output.logits, self.mb_y)


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (UnbiasedDistillationPlugin(), "Network has 21 channels.*UnbiasedDistillationTerm"),
        (ObjectivePlugin(DistillationTerm(1.0)), "pass it to a TeacherTermPlugin"),
    ],
)
def test_plugins_say_so_in_other_peoples_strategies(plugin, message, tmp_path):
    preset = eval_preset(32, normalize=True)
    benchmark = tiny_benchmark(tmp_path, train_transform=preset)
    model = Network(21)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    refused(make(Plain, model, optimizer=optimizer, plugins=[plugin]), benchmark, message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "3x3"}, r"balanced initialisation.*head='1x1'"),
        ({"background": "none"}, "channel k for class k"),
    ],
)
@pytest.mark.parametrize("strategy_class", [MiB, SMiB, PLOP])
def test_heads_without_a_row_to_copy_are_refused_at_step_0(
    strategy_class, options, message, benchmark
):
    from tests.models.tiny import tiny_model as with_options

    model = with_options(**options)
    with pytest.raises(ValueError, match=message):
        make(strategy_class, model).train(benchmark.train_stream, eval_streams=[])
    assert model.classes_per_step == [11]


class Stuck(nn.Module):
    """Claims fewer classes than the step has, in spite of a head that could grow."""

    n_classes = 5

    def __init__(self):
        super().__init__()
        self.inner = tiny_model()

    def forward(self, images):
        return self.inner(images)


def test_a_head_that_did_not_grow_enough_is_refused():
    assert grows(Stuck())
    with pytest.raises(ValueError, match="Stuck has 5 channels after it was adapted; expected 11"):
        check_growth(Stuck(), 5, n_old=0, n_seen=11, n_total=21)
    check_growth(Stuck(), 11, n_old=0, n_seen=11, n_total=21, counts_classes="KD")


def test_steps_that_bring_no_class_need_no_growth():
    fixed = nn.Conv2d(3, 4, 1)
    for n_old in (0, 4):
        check_growth(fixed, 4, n_old=n_old, n_seen=4, n_total=4, counts_classes="KD")
    with pytest.raises(ValueError, match="has 4 channels from the start"):
        check_growth(fixed, 4, n_old=3, n_seen=4, n_total=4, counts_classes="KD")
    with pytest.raises(ValueError, match="has 5 channels from the start"):
        check_growth(nn.Conv2d(3, 5, 1), 5, n_old=4, n_seen=4, n_total=4, counts_classes="KD")


def test_a_role_of_later_steps_is_checked_at_step_0(benchmark):
    strategy = make(FineTuning, tiny_model(), optimizer=sgd(roles={"bdy": RoleOptions()}))
    with pytest.raises(ValueError, match="no role 'bdy'; expected some of body"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])
