import os

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin, SupervisedPlugin
from torch.utils.data import SequentialSampler, TensorDataset

from avalanche_seg.loading import eval_loader, loader_options, train_loader
from avalanche_seg.loading.collate import collate
from avalanche_seg.metrics import mean_iou_metrics
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model

CPU = torch.device("cpu")
DATA = TensorDataset(torch.arange(10))


def values(loader):
    return [batch[0].tolist() for batch in loader]


def test_given_arguments_win_and_foreign_ones_are_left_out():
    options = loader_options(
        {"num_workers": 3, "drop_last": True},
        {"num_workers": 0, "reset_optimizer_state": True, "batch_size": 7},
        device=CPU,
    )
    assert options == {"pin_memory": False, "num_workers": 0, "drop_last": True}


def test_workers_live_through_the_epochs_where_there_are_any():
    assert loader_options({"num_workers": 1}, {}, device=CPU)["persistent_workers"]
    assert "persistent_workers" not in loader_options({"persistent_workers": True}, {}, device=CPU)
    assert loader_options({}, {}, device=torch.device("cuda"))["pin_memory"]


def test_training_is_shuffled_by_the_global_seed_and_drops_the_short_batch():
    torch.manual_seed(0)
    first = values(train_loader(DATA, 4, {}))
    torch.manual_seed(0)
    assert values(train_loader(DATA, 4, {})) == first
    assert [len(batch) for batch in first] == [4, 4]
    assert first != [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [len(batch) for batch in values(train_loader(DATA, 12, {}))] == [10]


def test_a_sampler_takes_the_place_of_shuffling():
    sampler = SequentialSampler(DATA)
    assert values(train_loader(DATA, 5, {"sampler": sampler})) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_no_batch_is_an_error():
    with pytest.raises(ValueError, match="no batch of 12 from the 10 images"):
        train_loader(DATA, 12, {"drop_last": True})


def test_evaluation_keeps_order_and_every_image_and_the_training_numbers():
    options = {"shuffle": True, "drop_last": True, "sampler": SequentialSampler(range(2))}
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    assert values(eval_loader(DATA, 4, options)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert torch.rand(1).equal(expected)


def test_a_generator_of_the_user_decides_the_order_whatever_the_workers():
    def order(**options):
        generator = torch.Generator().manual_seed(4)
        return [values(train_loader(DATA, 4, {"generator": generator, **options})) for _ in "ab"]

    torch.manual_seed(0)
    alone = order()
    assert order(num_workers=2, persistent_workers=True) == alone and alone[0] != alone[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_evaluation_of_images_of_different_sizes_is_that_of_single_images(tmp_path, workers):
    benchmark = tiny_benchmark(tmp_path, eval_transform=some_turned)
    torch.manual_seed(0)
    model = tiny_model()
    model.grow(21)
    matrices, sizes = [], set()
    for batch_size in (1, 8):
        iou = mean_iou_metrics()[0]
        strategy = FineTuning(
            model=model,
            optimizer=sgd(0.01),
            eval_mb_size=batch_size,
            evaluator=EvaluationPlugin(iou, collect_all=False),
            plugins=[Sizes(sizes)],
            loader={"num_workers": workers},
        )
        strategy.eval([benchmark.test_stream[1]])
        matrices.append(iou.matrix)
    assert sizes == {(48, 64), (64, 48)}
    assert matrices[0].equal(matrices[1]) and matrices[0].sum() > 0


def some_turned(image, labels):
    """Turns some of the images, whichever hold an odd number of void pixels."""
    if int((labels == 255).sum()) % 2:
        image, labels = image.movedim(-1, -2), labels.movedim(-1, -2)
    return image, labels


class Sizes(SupervisedPlugin):
    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes

    def after_eval_iteration(self, strategy, **kwargs):
        self.sizes.add(tuple(strategy.mb_x.shape[-2:]))


class Pids(SupervisedPlugin):
    """Which workers loaded the batches of every step, and the labels."""

    supports_distributed = True

    def __init__(self):
        super().__init__()
        self.of_step = {}
        self.labels = []

    def before_training_iteration(self, strategy, **kwargs):
        step = strategy.experience.current_experience
        self.of_step.setdefault(step, set()).update(strategy.mbatch[2].tolist())
        self.labels.append(strategy.mb_y.clone())

    def before_eval_iteration(self, strategy, **kwargs):
        self.labels.append(strategy.mb_y.clone())


def with_pid(samples):
    return [*collate(samples), torch.full((len(samples),), os.getpid())]


def test_workers_live_through_an_experience_and_change_no_batch(tmp_path):
    benchmark = tiny_benchmark(tmp_path, task="10-5")
    seen = []
    for workers in (0, 1):
        torch.manual_seed(0)
        spy = Pids()
        strategy = FineTuning(
            model=tiny_model(),
            optimizer=sgd(0.01),
            train_mb_size=4,
            train_epochs=2,
            eval_mb_size=4,
            eval_every=1,
            evaluator=None,
            plugins=[spy],
            loader={"num_workers": workers, "collate_fn": with_pid},
        )
        for experience in benchmark.train_stream:
            strategy.train(experience, eval_streams=[benchmark.test_stream[:1]])
            strategy.eval(benchmark.test_stream)
        seen.append(spy)
    assert all(torch.equal(a, b) for a, b in zip(*(spy.labels for spy in seen), strict=True))
    workers = list(seen[1].of_step.values())
    # Two epochs and the evaluation between them, and still one process for each step.
    assert [len(pids) for pids in workers] == [1] * 3
    assert len(set.union(*workers)) == 3 and os.getpid() not in set.union(*workers)
