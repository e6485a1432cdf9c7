"""Objectives in this package's template and in another's give the same training."""

import pytest
import torch
from avalanche.training.templates import SupervisedTemplate

from avalanche_seg.losses import CrossEntropy, StepBatch
from avalanche_seg.plugins import ObjectivePlugin
from avalanche_seg.training import SegmentationTemplate
from tests.tiny import tiny_benchmark, tiny_model


class Confidence:
    """A made-up objective: the spread of the scores, and of the images, without a teacher."""

    needs_teacher = False

    def __init__(self):
        self.seen: list[StepBatch] = []

    def __call__(self, batch):
        self.seen.append(batch)
        spread = batch.output.logits.std()
        return {"spread": 0.5 * spread, "first": 0.1 * batch.output.aux[0].abs().mean()}


class Plain(SupervisedTemplate):
    """A strategy that knows nothing of this package."""

    def _unpack_minibatch(self):
        super()._unpack_minibatch()
        self.mbatch[1] = self.mbatch[1].long()

    def criterion(self):
        levels = (self.mb_output.logits, *self.mb_output.aux)
        return torch.stack([CrossEntropy()(level, self.mb_y) for level in levels]).sum()


def trained(strategy_class, benchmark, objective, **options):
    model = tiny_model(seed=6)
    strategy = strategy_class(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.05),
        train_mb_size=20,
        plugins=[ObjectivePlugin(objective)],
        evaluator=None,
        **options,
    )
    torch.manual_seed(0)
    strategy.train(benchmark.train_stream[0], eval_streams=[], shuffle=False)
    return strategy


def test_both_kinds_of_strategy_train_alike(tmp_path):
    from avalanche_seg.benchmarks import eval_preset

    benchmark = tiny_benchmark(tmp_path, train_transform=eval_preset(32, normalize=True))
    objectives = [Confidence(), Confidence()]
    ours = trained(SegmentationTemplate, benchmark, objectives[0], channels_last=False)
    theirs = trained(Plain, benchmark, objectives[1])
    for (name, value), other in zip(
        ours.model.state_dict().items(), theirs.model.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(value, other, rtol=1e-5, atol=1e-7, msg=name)
    assert len(objectives[0].seen) == len(objectives[1].seen) == 1
    for batch in (objectives[0].seen[0], objectives[1].seen[0]):
        assert (batch.n_old, batch.step, batch.teacher, batch.weight) == (0, 0, None, None)
        assert batch.size == (32, 32) and batch.target.dtype == torch.int64


def test_terms_are_logged_by_name_beside_the_classification(tmp_path):
    seen = []

    class Watched(SegmentationTemplate):
        def _after_training_iteration(self, **kwargs):
            seen.append((self.loss.item(), dict(self.loss_terms)))
            super()._after_training_iteration(**kwargs)

    trained(Watched, tiny_benchmark(tmp_path), Confidence())
    ((loss, terms),) = seen
    assert list(terms) == ["classification", "spread", "first"]
    assert loss == pytest.approx(sum(value.item() for value in terms.values()), rel=1e-6)


def test_a_subclass_with_a_criterion_of_its_own_gets_the_terms_too(tmp_path):
    class Mine(SegmentationTemplate):
        def criterion(self):
            return CrossEntropy()(self.mb_output.logits, self.mb_y)

    objective = Confidence()
    strategy = trained(Mine, tiny_benchmark(tmp_path), objective)
    assert len(objective.seen) == 1
    assert set(strategy.loss_terms) == {"spread", "first"}


def test_a_term_without_its_teacher_is_no_silent_nothing(tmp_path):
    from avalanche_seg.benchmarks import eval_preset
    from avalanche_seg.losses import DistillationTerm

    benchmark = tiny_benchmark(tmp_path, train_transform=eval_preset(32, normalize=True))
    model = tiny_model()
    strategy = Plain(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        train_mb_size=4,
        plugins=[ObjectivePlugin(DistillationTerm(1e9))],
        evaluator=None,
    )
    with pytest.raises(ValueError, match="DistillationTerm needs the previous model"):
        strategy.train(benchmark.train_stream, eval_streams=[], drop_last=True)
