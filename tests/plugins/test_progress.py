from avalanche_seg.plugins import ProgressPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


def train(tmp_path, plugin):
    benchmark = tiny_benchmark(tmp_path)
    strategy = FineTuning(
        model=tiny_model(),
        optimizer=sgd(0.01),
        train_mb_size=4,
        train_epochs=2,
        plugins=[plugin],
        evaluator=None,
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.eval(benchmark.test_stream[:1])


def test_bars_show_step_epoch_loss_and_rate(tmp_path, capfd):
    train(tmp_path, ProgressPlugin(every=1))
    shown = capfd.readouterr().err
    for text in ("step 0 epoch 2/2", "100%", "loss=", "lr=0.01", "eval test 0"):
        assert text in shown


def test_disabled_bars_show_nothing(tmp_path, capfd):
    train(tmp_path, ProgressPlugin(disable=True))
    assert "step 0" not in capfd.readouterr().err
