import pytest

from avalanche_seg.strategies import Joint
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


def make(model):
    return Joint(model=model, optimizer=sgd(0.01), train_mb_size=4, evaluator=None)


def test_joint_learns_every_class_at_once(tmp_path):
    benchmark = tiny_benchmark(tmp_path, task="offline")
    model = tiny_model()
    make(model).train(benchmark.train_stream, eval_streams=[])
    assert model.n_classes == 21


def test_a_generator_of_experiences_is_trained_on(tmp_path):
    benchmark = tiny_benchmark(tmp_path, task="offline")
    model = tiny_model()
    make(model).train((experience for experience in benchmark.train_stream), eval_streams=[])
    assert model.n_classes == 21


@pytest.mark.parametrize("step", [0, 1])
def test_joint_refuses_a_step_of_an_incremental_task(tmp_path, step):
    benchmark = tiny_benchmark(tmp_path)
    with pytest.raises(ValueError, match="task='offline'"):
        make(tiny_model()).train(benchmark.train_stream[step], eval_streams=[])
