"""Every plugin, metric and logger of Avalanche works here, or is refused with what to take."""

import inspect

import pytest
import torch
from avalanche import logging as loggers
from avalanche.evaluation import metrics
from avalanche.training import plugins
from avalanche.training.losses import ICaRLLossPlugin
from avalanche.training.plugins import EvaluationPlugin
from avalanche.training.plugins.checkpoint import CheckpointPlugin as StockCheckpointPlugin
from avalanche.training.plugins.clock import Clock
from avalanche.training.storage_policy import (
    ClassBalancedBuffer,
    ExperienceBalancedBuffer,
    ParametricBuffer,
    ReservoirSamplingBuffer,
)
from avalanche.training.templates.base_sgd import PeriodicEval

from avalanche_seg.metrics import mean_iou_metrics
from avalanche_seg.plugins import CheckpointPlugin, PolyLRPlugin
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import SegmentationTemplate, sgd
from avalanche_seg.training.avalanche_parts import REFUSED, check_parts
from tests.tiny import tiny_benchmark, tiny_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Call to deprecated")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("parts"))


def make(**options):
    arguments = {
        "model": tiny_model(seed=1),
        "optimizer": sgd(0.05),
        "train_mb_size": 4,
        "eval_mb_size": 4,
        "evaluator": None,
    }
    return FineTuning(**(arguments | options))


def bare(kind):
    """An object of a class whose constructor wants more than a test has."""
    return object.__new__(kind)


def trained(benchmark, **options):
    strategy = make(train_epochs=2, **options)
    for experience in benchmark.train_stream:
        test = benchmark.test_stream[experience.current_experience]
        strategy.train(experience, eval_streams=[[test]])
        found = strategy.eval([test])
    weights = torch.cat([value.flatten() for value in strategy.model.state_dict().values()])
    assert weights.isfinite().all() and strategy.model.n_classes == 21
    return found, weights


# ------------------------------------------------------------------------------------------ plugins

PLUGINS_THAT_WORK = {
    "Clock": Clock,
    "EarlyStoppingPlugin": lambda: plugins.EarlyStoppingPlugin(9, "test_stream", "Loss_Exp", "min"),
    "EvaluationPlugin": lambda: EvaluationPlugin(
        mean_iou_metrics(), metrics.loss_metrics(experience=True), loggers=[]
    ),
    "ReplayPlugin": lambda: plugins.ReplayPlugin(8),
    "ReplayPlugin, reservoir": lambda: plugins.ReplayPlugin(
        8, storage_policy=ReservoirSamplingBuffer(8)
    ),
    "ReplayPlugin, by experience": lambda: plugins.ReplayPlugin(
        8, storage_policy=ExperienceBalancedBuffer(8)
    ),
    "ReplayPlugin, parametric": lambda: plugins.ReplayPlugin(8, storage_policy=ParametricBuffer(8)),
    "SynapticIntelligencePlugin": lambda: plugins.SynapticIntelligencePlugin(1e3),
}
PLUGINS_THAT_ARE_REFUSED = {
    "AGEMPlugin": "ReplayPlugin",
    "BiCPlugin": "ReplayPlugin",
    "CWRStarPlugin": "FreezePlugin",
    "CoPEPlugin": "ReplayPlugin",
    "EWCPlugin": "EWCPlugin of avalanche_seg",
    "CurrentDataFeCAMUpdate": "heads",
    "CurrentDataNCMUpdate": "heads",
    "FeCAMOracle": "heads",
    "FeatureDistillationPlugin": "FeatureDistillationPlugin of avalanche_seg",
    "FromScratchTrainingPlugin": "new model and strategy",
    "GDumbPlugin": "ReplayPlugin",
    "GEMPlugin": "ReplayPlugin",
    "GSS_greedyPlugin": "ReplayPlugin",
    "GenerativeReplayPlugin": "ReplayPlugin",
    "LFLPlugin": "DistillationPlugin",
    "LRSchedulerPlugin": "PolyLRPlugin",
    "LwFPlugin": "DistillationPlugin of avalanche_seg",
    "MASPlugin": "PIPlugin",
    "MIRPlugin": "ReplayPlugin",
    "MemoryFeCAMUpdate": "heads",
    "MemoryNCMUpdate": "heads",
    "NCMOracle": "heads",
    "RARPlugin": "ReplayPlugin",
    "RWalkPlugin": "RWPlugin",
    "TrainGeneratorAfterExpPlugin": "ReplayPlugin",
}
BASES = {"SupervisedPlugin", "EvaluationPlugin", "BaseSGDPlugin", "BasePlugin"}


def test_every_plugin_of_avalanche_is_in_the_table():
    exported = {
        name
        for name, kind in vars(plugins).items()
        if inspect.isclass(kind) and (name.endswith(("Plugin", "Update", "Oracle")))
    }
    known = {name.split(",")[0] for name in PLUGINS_THAT_WORK} | set(PLUGINS_THAT_ARE_REFUSED)
    assert exported - BASES <= known


@pytest.mark.parametrize("name", PLUGINS_THAT_WORK)
def test_a_plugin_that_works(name, benchmark):
    evaluator = EvaluationPlugin(metrics.loss_metrics(experience=True), loggers=[])
    options = {"evaluator": evaluator, "eval_every": 1}
    trained(benchmark, plugins=[PLUGINS_THAT_WORK[name]()], **options)


@pytest.mark.parametrize(("name", "remedy"), PLUGINS_THAT_ARE_REFUSED.items())
def test_a_plugin_that_is_refused_says_what_to_take(name, remedy):
    with pytest.raises(ValueError, match=f"plugins: Avalanche's {name} .*; .*{remedy}") as error:
        make(plugins=[PolyLRPlugin(), bare(getattr(plugins, name))])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("plugin", "remedy"),
    [
        (bare(inspect.unwrap(StockCheckpointPlugin)), "CheckpointPlugin of avalanche_seg"),
        (PeriodicEval(1), "eval_every="),
        (plugins.ReplayPlugin(8, task_balanced_dataloader=True), "task_balanced_dataloader=True"),
        (plugins.ReplayPlugin(8, storage_policy=ClassBalancedBuffer(8)), "ClassBalancedBuffer"),
        (EvaluationPlugin(metrics.accuracy_metrics(epoch=True), loggers=[]), "mean_iou_metrics"),
    ],
)
def test_other_plugins_that_are_refused(plugin, remedy):
    with pytest.raises(ValueError, match=remedy):
        make(plugins=[plugin])


def test_a_loss_of_avalanche_is_refused():
    with pytest.raises(ValueError, match=r"criterion: .*ICaRLLossPlugin.*avalanche_seg\.losses"):
        SegmentationTemplate(
            model=tiny_model(), optimizer=sgd(), criterion=ICaRLLossPlugin(), evaluator=None
        )


def test_a_subclass_of_ones_own_passes():
    class Mine(plugins.GEMPlugin):
        pass

    check_parts("plugins", [Mine(4, 0.5)])


@pytest.mark.parametrize(
    "plugin", [plugins.ReplayPlugin(8), plugins.SynapticIntelligencePlugin(1.0)]
)
def test_a_checkpoint_beside_a_plugin_without_state_is_refused(plugin, tmp_path):
    with pytest.raises(ValueError, match=f"checkpoint cannot hold.*{type(plugin).__name__}"):
        make(plugins=[plugin, CheckpointPlugin(tmp_path / "checkpoint.pt")])


def test_stock_plugins_do_what_they_are_for(benchmark):
    _, plain = trained(benchmark)
    for plugin in (plugins.SynapticIntelligencePlugin(1e3), plugins.ReplayPlugin(8)):
        _, weights = trained(benchmark, plugins=[plugin])
        assert not weights.equal(plain)
    _, weights = trained(benchmark, plugins=[Clock()])
    assert weights.equal(plain)


# ------------------------------------------------------------------------------------------ metrics

EVERY = {"minibatch": True, "epoch": True, "experience": True, "stream": True}
METRICS_THAT_WORK = {
    "loss_metrics": (lambda: metrics.loss_metrics(epoch_running=True, **EVERY), "Loss_Exp"),
    "timing_metrics": (lambda: metrics.timing_metrics(epoch_running=True, **EVERY), "Time_Exp"),
    "cpu_usage_metrics": (lambda: metrics.cpu_usage_metrics(**EVERY), "CPUUsage_Exp"),
    "ram_usage_metrics": (lambda: metrics.ram_usage_metrics(every=0.1, **EVERY), "MaxRAMUsage"),
    "gpu_usage_metrics": (lambda: metrics.gpu_usage_metrics(0, experience=True), ""),
    "disk_usage_metrics": (
        lambda: metrics.disk_usage_metrics(paths_to_monitor="tests/training", **EVERY),
        "DiskUsage_Exp",
    ),
    "WeightCheckpoint": (lambda: [metrics.WeightCheckpoint()], "WeightCheckpoint"),
}
METRICS_THAT_ARE_REFUSED = {
    "accuracy_metrics": "mean_iou_metrics",
    "accuracy_matrix_metrics": "mean_iou_metrics",
    "amca_metrics": "mean_iou_metrics",
    "bwt_metrics": "forgetting",
    "class_accuracy_metrics": "mean_iou_metrics",
    "confusion_matrix_metrics": "ConfusionMatrixFigure",
    "forgetting_metrics": "forgetting",
    "forward_transfer_metrics": "forgetting",
    "images_samples_metrics": "SamplePredictions",
    "labels_repartition_metrics": "mask_statistics",
    "MAC_metrics": "FlopCounterMode",
    "mean_scores_metrics": "mean_iou_metrics",
    "topk_acc_metrics": "mean_iou_metrics",
}


def test_every_family_of_metrics_of_avalanche_is_in_the_table():
    exported = {
        name
        for name in vars(metrics)
        if name.endswith("_metrics") and inspect.isfunction(getattr(metrics, name))
    }
    boxes = {name for name in exported if "lvis" in name or "detection" in name}
    assert exported - boxes <= set(METRICS_THAT_WORK) | set(METRICS_THAT_ARE_REFUSED)


@pytest.mark.parametrize("name", METRICS_THAT_WORK)
def test_a_metric_that_works_and_leaves_the_training_as_it_is(name, benchmark):
    make_metrics, emitted = METRICS_THAT_WORK[name]
    found, weights = trained(benchmark, evaluator=EvaluationPlugin(make_metrics(), loggers=[]))
    assert weights.equal(trained(benchmark)[1])
    assert not emitted or any(key.startswith(emitted) for key in found)


@pytest.mark.parametrize(("name", "remedy"), METRICS_THAT_ARE_REFUSED.items())
def test_a_metric_that_is_refused_says_what_to_take(name, remedy):
    family = getattr(metrics, name)
    switches = [p for p in inspect.signature(family).parameters.values() if p.default is False]
    options = {p.name: True for p in switches if p.name not in {"wandb", "save_image"}}
    if name == "confusion_matrix_metrics":
        options = {"stream": True}
    evaluator = EvaluationPlugin(family(**options), loggers=[])
    assert evaluator.metrics
    for metric in evaluator.metrics:
        kind = type(metric).__name__
        with pytest.raises(ValueError, match=f"evaluator: Avalanche's {kind} .*{remedy}"):
            make(evaluator=EvaluationPlugin(metric, loggers=[]))


def test_avalanches_default_evaluator_is_refused():
    from avalanche.training.plugins.evaluation import default_evaluator

    with pytest.raises(ValueError, match=r"Accuracy.*mean_iou_metrics\(\)"):
        make(evaluator=default_evaluator)


# ------------------------------------------------------------------------------------------ loggers


@pytest.mark.parametrize("name", ["InteractiveLogger", "TextLogger", "TensorboardLogger"])
def test_a_logger_that_works(name, benchmark, tmp_path, capsys):
    with (tmp_path / "log.txt").open("w") as file:
        logger = {
            "InteractiveLogger": loggers.InteractiveLogger,
            "TextLogger": lambda: loggers.TextLogger(file),
            "TensorboardLogger": lambda: loggers.TensorboardLogger(tmp_path / "events"),
        }[name]()
        trained(benchmark, evaluator=EvaluationPlugin(mean_iou_metrics(), loggers=[logger]))
    written = capsys.readouterr().out + (tmp_path / "log.txt").read_text()
    if name == "TensorboardLogger":
        logger.writer.flush()
        written = b"".join(
            p.read_bytes() for p in (tmp_path / "events").rglob("*") if p.is_file()
        ).decode(errors="replace")
    assert "mIoU_all/eval_phase/test_stream/Exp001" in written


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("CSVLogger", "MetricsCSVLogger"), ("WandBLogger", "MetricsWandBLogger")],
)
def test_a_logger_that_is_refused_says_what_to_take(name, remedy):
    logger = bare(getattr(loggers, name))
    with pytest.raises(ValueError, match=f"evaluator: Avalanche's {name} .*take {remedy}"):
        make(evaluator=EvaluationPlugin(mean_iou_metrics(), loggers=[logger]))


def test_reasons_are_one_sentence_each():
    for why, remedy in REFUSED.values():
        assert not any(mark in why + remedy for mark in ("\n", ". ", ";"))
