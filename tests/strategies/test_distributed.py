"""Two processes train and test as one does."""

from dataclasses import replace

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.metrics import mean_iou_metrics
from avalanche_seg.plugins import ImportancePlugin, SegmentationPlugin
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
    LwF,
    LwFMC,
    MiB,
    SMiB,
)
from avalanche_seg.training import sgd
from tests.distributed import in_processes, save
from tests.strategies.made_up import MainOnly
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark, tiny_model

METHODS = {
    m.__name__: m
    for m in (EWC, ILT, PI, RW, FineTuning, LwF, LwFMC, MiB, SMiB, PLOP, EWF, LGKD, DFT)
}
METHODS |= {m.__name__: m for m in (EWFPLOP, SSULM, DKDM)}
MEMORY = {"SMiB": {"memory": 1}, "SSULM": {"memory_size": 4}, "DKDM": {"memory_size": 4}}
OPTIONS = {"LGKD": {"guided_reduction": "mean_all"}}
MADE_UP = {"MainOnly": MainOnly}


class Losses(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.values = []

    def after_training_iteration(self, strategy, **kwargs):
        self.values.append(strategy.loss.item())


def train_and_test(name, root, result, options):
    """Train two steps in double precision, test the first; write weights, matrix and the rest."""
    benchmark = tiny_benchmark(root, train_transform=train_preset(32))
    iou, losses = mean_iou_metrics()[0], Losses()
    torch.manual_seed(0)
    kind = (METHODS | MADE_UP)[name]
    strategy = kind(
        model=model_of(kind),
        optimizer=sgd(0.01),
        train_mb_size=5,
        train_epochs=2,
        eval_mb_size=3,
        evaluator=EvaluationPlugin(iou, collect_all=False),
        plugins=[losses],
        **MEMORY.get(name, {}),
        **OPTIONS.get(name, {}),
        **options,
    )
    for experience in benchmark.train_stream:
        strategy.train(experience, eval_streams=[])
    strategy.eval([benchmark.test_stream[1]])
    importances = [
        p.penalty.importances for p in strategy.plugins if isinstance(p, ImportancePlugin)
    ]
    exemplars = strategy.replay.memory.state_dict() if name in MEMORY else None
    content = {
        "weights": strategy.model.state_dict(),
        "matrix": iou.matrix,
        "importances": importances,
        "exemplars": exemplars,
        "losses": losses.values,
    }
    save(result, content)


def load(result, rank):
    return torch.load(result.with_name(f"{result.name}.{rank}"), weights_only=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("distributed")
    tiny_benchmark(root)
    return root


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in (METHODS | MADE_UP)),
        ("MiB", {"micro_batches": 2}),
        ("RW", {"micro_batches": 2}),
    ],
)
def test_two_processes_train_as_one(name, options, root, tmp_path):
    train_and_test(name, root, tmp_path / "one", options)
    in_processes(train_and_test, 2, name, root, tmp_path / "two", options)
    one, first, second = load(tmp_path / "one", 0), *(load(tmp_path / "two", r) for r in (0, 1))
    for key, value in one["weights"].items():
        assert first["weights"][key].equal(second["weights"][key]), "the same on every rank"
        torch.testing.assert_close(first["weights"][key], value, rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(first["importances"], second["importances"], strict=True):
        assert all(mine[key].equal(theirs[key]) for key in mine)
    assert first["exemplars"] == second["exemplars"] == one["exemplars"]
    assert first["losses"] == second["losses"] == pytest.approx(one["losses"], rel=1e-4)
    assert first["matrix"].equal(second["matrix"])
    assert first["matrix"].sum() == one["matrix"].sum(), "every pixel once"


def only_test(root, result, n_images):
    benchmark = tiny_benchmark(root)
    model = tiny_model(seed=4)
    model.grow(21)
    iou = mean_iou_metrics()[0]
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        eval_mb_size=3,
        evaluator=EvaluationPlugin(iou, collect_all=False),
    )
    experience = benchmark.test_stream[1]
    experience.data = replace(experience.data, indices=experience.data.indices[:n_images])
    strategy.eval([experience])
    save(result, {"matrix": iou.matrix})


@pytest.mark.parametrize(("n_processes", "n_images"), [(2, 20), (3, 7), (2, 2)])
def test_the_confusion_matrix_of_several_equals_that_of_one(n_processes, n_images, root, tmp_path):
    """Also when a process has no image at all."""
    only_test(root, tmp_path / "one", n_images)
    in_processes(only_test, n_processes, root, tmp_path / "many", n_images)
    expected = load(tmp_path / "one", 0)["matrix"]
    assert 0 < expected.sum() <= n_images * 32 * 32
    for rank in range(n_processes):
        assert load(tmp_path / "many", rank)["matrix"].equal(expected)


def too_small(root):
    benchmark = tiny_benchmark(root)
    strategy = FineTuning(model=tiny_model(), optimizer=sgd(0.01), train_mb_size=1, evaluator=None)
    with pytest.raises(ValueError, match="a batch of 1 images leaves some of 2 processes"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])


def test_a_batch_must_have_an_image_for_every_process(root):
    in_processes(too_small, 2, root)
