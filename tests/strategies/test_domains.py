"""Every strategy on a stream whose steps are domains: no head grows, nothing is background."""

import copy

import pytest
import torch

from avalanche_seg.losses import CrossEntropy
from avalanche_seg.metrics import class_iou, confusion_matrix
from avalanche_seg.plugins import (
    ClassExemplarsBuffer,
    ReplayPlugin,
    SegmentationPlugin,
    TeacherPlugin,
)
from avalanche_seg.strategies import (
    DKD,
    DKDM,
    EWC,
    EWF,
    EWFPLOP,
    ILT,
    SSUL,
    SSULM,
    LwF,
    MiB,
    SMiB,
)
from avalanche_seg.training import SegmentationTemplate, default_evaluator
from tests.daytimes import daytimes_benchmark
from tests.strategies.test_contract import INCREMENTAL, make, model_of
from tests.tiny import tiny_model


@pytest.fixture(scope="module")
def daytimes(tmp_path_factory):
    return daytimes_benchmark(tmp_path_factory.mktemp("daytimes"))


class Batches(SegmentationPlugin):
    """The terms of every batch of a step, and what they were computed of."""

    def __init__(self, step):
        super().__init__()
        self.step, self.seen = step, []

    def before_backward(self, strategy, **kwargs):
        if strategy.experience.current_experience == self.step:
            logits = [strategy.mb_output.logits, *strategy.mb_output.aux]
            terms = {name: value.item() for name, value in strategy.loss_terms.items()}
            self.seen.append((terms, [part.detach() for part in logits], strategy.mb_y))


NEW_ROWS = [SSUL, SSULM, DKD, DKDM]  # What they learn later is in the new classes' rows.


@pytest.mark.parametrize("strategy_class", NEW_ROWS)
def test_methods_of_new_rows_are_refused_before_a_step_without_any(strategy_class, daytimes):
    strategy = make(strategy_class, model_of(strategy_class))
    strategy.train(daytimes.train_stream[0], eval_streams=[])
    with pytest.raises(ValueError, match=r"step 1 brings no class, and .*take MiB, PLOP, EWC or"):
        strategy.train(daytimes.train_stream[1], eval_streams=[])


@pytest.mark.parametrize("strategy_class", [EWF, EWFPLOP])
def test_a_share_by_the_number_of_classes_is_refused(strategy_class, daytimes):
    strategy = make(strategy_class, tiny_model())
    strategy.train(daytimes.train_stream[0], eval_streams=[])
    with pytest.raises(ValueError, match=r"step 1 brings no class.*pass share="):
        strategy.train(daytimes.train_stream[1], eval_streams=[])


@pytest.mark.parametrize("strategy_class", [s for s in INCREMENTAL if s not in NEW_ROWS])
def test_two_steps_train_and_no_head_grows(strategy_class, daytimes):
    model = tiny_model()
    shares = {"fusion_share": 0.5} if strategy_class in (EWF, EWFPLOP) else {}
    strategy = make(strategy_class, model, evaluator=default_evaluator, **shares)
    for experience in daytimes.train_stream:
        before = copy.deepcopy(model.state_dict())
        strategy.train(experience, eval_streams=[])
        assert (model.n_classes, [head.out_channels for head in model.heads]) == (4, [4, 4])
        assert not before["network.first.weight"].equal(model.state_dict()["network.first.weight"])
        results = strategy.eval([experience.test])
        shown = {name.split("/")[0] for name in results}
        n_domains = len(experience.test.domains)
        assert {f"mIoU_domain{k}" for k in range(n_domains)} | {"mIoU_domains"} <= shown
        assert f"mIoU_domain{n_domains}" not in shown and "mIoU_new" not in shown


@pytest.mark.parametrize("strategy_class", [LwF, ILT, MiB, SMiB])
def test_the_teacher_answers_for_all_classes(strategy_class, daytimes):
    model = tiny_model()
    strategy = make(strategy_class, model, plugins=[batches := Batches(step=1)])
    plugin = next(p for p in strategy.plugins if isinstance(p, TeacherPlugin))
    strategy.train(daytimes.train_stream[0], eval_streams=[])
    before = copy.deepcopy(model.state_dict())
    strategy.train(daytimes.train_stream[1], eval_streams=[])
    teacher = plugin.teacher.model
    assert teacher.n_classes == 4
    assert all(value.equal(before[name]) for name, value in teacher.state_dict().items())
    assert batches.seen and all(len(terms) > 1 for terms, *_ in batches.seen)


def test_mibs_classification_is_plain_cross_entropy(daytimes):
    """Its unbiased form would give pixels of channel 0, a class here, for free."""
    strategy = make(MiB, tiny_model(), plugins=[batches := Batches(step=1)])
    strategy.train(daytimes.train_stream, eval_streams=[])
    for terms, logits, target in batches.seen:
        plain = sum(CrossEntropy()(part, target).item() for part in logits)
        assert terms["classification"] == pytest.approx(plain, rel=1e-5)
        assert (target == 0).any()


def test_mibs_distillation_is_lwfs(daytimes):
    terms = []
    for strategy_class, name in ((MiB, "unkd"), (LwF, "kd")):
        strategy = make(
            strategy_class, tiny_model(seed=2), kd_weight=3.0, plugins=[batches := Batches(step=1)]
        )
        strategy.train(daytimes.train_stream, eval_streams=[])
        terms.append([seen[name] for seen, *_ in batches.seen])
    assert terms[0] == pytest.approx(terms[1], rel=1e-5)


def test_balanced_initialisation_is_left_out(daytimes):
    """Heads of 3x3 groups have none, which is an error where classes are learned."""
    from avalanche_seg.models import SegmentationModel
    from tests.tiny import TinyNetwork

    model = SegmentationModel(TinyNetwork(), 8, (6,), head="3x3")
    make(MiB, model).train(daytimes.train_stream, eval_streams=[])
    assert all(head.init_new is None for head in model.heads)


class Fixed(torch.nn.Module):
    """A network with the four channels from the start."""

    def __init__(self):
        super().__init__()
        self.only = torch.nn.Conv2d(3, 4, 1)

    def forward(self, images):
        return self.only(images)


@pytest.mark.parametrize("strategy_class", [LwF, MiB, EWC])
def test_a_network_that_does_not_grow_is_welcome(strategy_class, daytimes):
    strategy = make(strategy_class, Fixed())
    strategy.train(daytimes.train_stream, eval_streams=[])


def test_a_network_of_more_channels_than_classes_is_refused(daytimes):
    strategy = make(LwF, torch.nn.Conv2d(3, 5, 1))
    with pytest.raises(ValueError, match="Conv2d has 5 channels from the start"):
        strategy.train(daytimes.train_stream, eval_streams=[])


@pytest.mark.filterwarnings("ignore:the class")
def test_exemplars_of_every_class_and_step_are_replayed(daytimes):
    memory = ClassExemplarsBuffer(1)
    strategy = make(SegmentationTemplate, tiny_model(), plugins=[ReplayPlugin(memory)])
    first, second = daytimes.train_stream
    strategy.train(first, eval_streams=[])
    drawn = {channel: list(chosen) for channel, chosen in memory.exemplars.items()}
    assert sorted(drawn) == [0, 1, 2, 3], "channel 0 is a class as well"
    assert all(e.image < 8 for chosen in drawn.values() for e in chosen)
    replayed = memory.dataset(1)
    assert len(replayed) == 4
    assert all(set(labels.unique().tolist()) - {255} for _, labels in replayed)
    strategy.train(second, eval_streams=[])
    for channel, chosen in memory.exemplars.items():
        assert chosen[:1] == drawn[channel], "those of the first domains stay"
        assert all(e.image >= 8 and e.step == 1 for e in chosen[1:])
    assert len(memory) > 4


@pytest.mark.filterwarnings("ignore:the class")
def test_a_memory_that_draws_anew_keeps_its_size(daytimes):
    memory = ClassExemplarsBuffer(1, policy="redraw")
    strategy = make(SMiB, tiny_model(), memory=memory)
    strategy.train(daytimes.train_stream, eval_streams=[])
    assert [len(chosen) for chosen in memory.exemplars.values()] == [1, 1, 1, 1]


def test_strict_replay_is_plain_cross_entropy(daytimes):
    strategy = make(SMiB, tiny_model(), memory=1, strict=True, plugins=[b := Batches(step=1)])
    strategy.train(daytimes.train_stream, eval_streams=[])
    for terms, logits, target in b.seen:
        plain = sum(CrossEntropy()(part, target).item() for part in logits)
        assert terms["classification"] == pytest.approx(plain, rel=1e-5)


def test_values_of_the_domains_are_those_of_their_images(daytimes):
    model = tiny_model()
    strategy = make(LwF, model, evaluator=default_evaluator)
    strategy.train(daytimes.train_stream, eval_streams=[])
    strategy.eval([daytimes.test_stream[1]])
    (iou,) = (m for m in strategy.evaluator.metrics if hasattr(m, "report"))
    report = iou.report(1)
    assert list(report.iou) == ["road", "car", "tree", "sky"] and not report.has_background
    assert report.means["mIoU_all"] == pytest.approx(
        torch.tensor([v for v in report.iou.values() if v == v]).mean().item()
    )
    values, model = [], model.eval()
    for own in ([0, 1], [2]):  # Test images of day and dusk, then night.
        matrix = torch.zeros(4, 4, dtype=torch.int64)
        for i in own:
            image, labels, _ = daytimes.test_stream[1].dataset[i]
            prediction = model.predict(image[None])[0]
            matrix += confusion_matrix(prediction, labels.long(), 4)
        iou_of_classes = class_iou(matrix)
        values.append(iou_of_classes[~iou_of_classes.isnan()].mean().item())
    found = [report.means[f"mIoU_domain{k}"] for k in (0, 1)]
    assert found == pytest.approx(values)
    assert report.means["mIoU_domains"] == pytest.approx(sum(values) / 2)
