import pytest
from torch import nn

from avalanche_seg.plugins import ExtraInitPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


def test_every_head_is_told_and_may_leave_the_features_alone(tmp_path):
    model = tiny_model(n_extra=1, background="none")
    for detach in (True, False):
        plugin = ExtraInitPlugin(detach=detach)
        plugin.before_training(type("Strategy", (), {"model": model}))
        assert all(head.detach_extra is detach and head.init_new for head in model.heads)


@pytest.mark.parametrize("model", [nn.Conv2d(3, 21, 1), tiny_model()], ids=["no head", "no extra"])
def test_a_model_without_the_channel_is_refused_before_step_0(model, tmp_path):
    strategy = FineTuning(model=model, optimizer=sgd(), plugins=[ExtraInitPlugin()], evaluator=None)
    with pytest.raises(ValueError, match=r"has no extra channel.*n_extra=1"):
        strategy.train(tiny_benchmark(tmp_path).train_stream[0], eval_streams=[])
