import torch
from avalanche.evaluation.metrics import loss_metrics
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.metrics import mean_loss_metrics
from avalanche_seg.metrics.mean_loss import _AT_MOST, DeviceLoss
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.elsewhere import Elsewhere
from tests.tiny import tiny_benchmark, tiny_model


def test_losses_of_a_device_are_read_when_asked_for_and_give_the_same_mean():
    losses = torch.rand(7, generator=torch.Generator().manual_seed(0))
    plain, late = DeviceLoss(), DeviceLoss()
    Elsewhere.reads = 0
    for number, loss in enumerate(losses):
        plain.update(loss, patterns=number + 1)
        late.update(loss.as_subclass(Elsewhere), patterns=number + 1)
    assert Elsewhere.reads == 0
    assert late.result() == plain.result() == late.result()
    assert Elsewhere.reads == 7
    late.reset()
    assert late.result() == 0


def test_a_long_epoch_does_not_keep_every_loss():
    late = DeviceLoss()
    for _ in range(_AT_MOST + 1):
        late.update(torch.ones(()).as_subclass(Elsewhere), patterns=1)
    assert len(late._unread) == 1
    assert late.result() == 1


def test_names_and_values_are_those_of_avalanche(tmp_path):
    benchmark, found = tiny_benchmark(tmp_path), []
    for metrics in (loss_metrics(epoch=True, experience=True), mean_loss_metrics()):
        torch.manual_seed(0)
        evaluator = EvaluationPlugin(metrics, loggers=[])
        strategy = FineTuning(
            model=tiny_model(),
            optimizer=sgd(0.01),
            train_mb_size=4,
            eval_mb_size=3,
            evaluator=evaluator,
        )
        strategy.train(benchmark.train_stream[0], eval_streams=[])
        strategy.eval([benchmark.test_stream[0]])
        found.append(evaluator.get_last_metrics())
    assert found[0] == found[1]
    assert {name.split("/")[0] for name in found[1]} == {"Loss_Epoch", "Loss_Exp"}
    assert [str(metric) for metric in mean_loss_metrics(experience=False)] == ["Loss_Epoch"]
    assert [str(metric) for metric in mean_loss_metrics(epoch=False)] == ["Loss_Exp"]
