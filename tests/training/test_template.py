from types import SimpleNamespace

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin
from torch import nn
from torchvision.transforms import v2

from avalanche_seg.benchmarks import eval_preset
from avalanche_seg.kernels import predicted_labels
from avalanche_seg.losses import CrossEntropy, UnbiasedCrossEntropy, cross_entropy
from avalanche_seg.metrics import MeanIoU
from avalanche_seg.plugins import SegmentationPlugin, record_term
from avalanche_seg.training import SegmentationTemplate, sgd
from tests.tiny import CROP, tiny_benchmark, tiny_model


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("template"))


def template(**options):
    arguments = {
        "model": tiny_model(),
        "optimizer": sgd(0.01),
        "train_mb_size": 4,
        "eval_mb_size": 3,
        "evaluator": None,
    }
    return SegmentationTemplate(**(arguments | options))


class Spy(SegmentationPlugin):
    """Notes what each batch looked like."""

    def __init__(self):
        super().__init__()
        self.train, self.eval, self.losses = [], [], []

    def before_backward(self, strategy, **kwargs):
        self.train.append((strategy.mb_x, strategy.mb_y, strategy.mb_output))
        self.losses.append(strategy.loss.item())

    def after_eval_iteration(self, strategy, **kwargs):
        self.eval.append((strategy.mb_x, strategy.mb_y, strategy.mb_output))


def test_batches_are_normalised_widened_and_stay_at_the_models_stride_in_training(benchmark):
    spy = Spy()
    template(plugins=[spy]).train(benchmark.train_stream[0], eval_streams=[])
    images, labels, output = spy.train[0]
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.abs().max() < 3
    assert labels.dtype == torch.int64
    assert output.logits.shape == (4, 16, CROP // 4, CROP // 4)
    assert [level.shape[-1] for level in output.aux] == [CROP // 2]


def test_training_loss_is_the_sum_over_main_and_auxiliary_outputs(benchmark):
    spy = Spy()
    template(plugins=[spy]).train(benchmark.train_stream[0], eval_streams=[])
    _, labels, output = spy.train[0]
    expected = sum(cross_entropy(level, labels).item() for level in (output.logits, *output.aux))
    assert spy.losses[0] == pytest.approx(expected, rel=1e-6)


def test_evaluation_sees_every_image_once_and_every_pixel_of_its_label_map(benchmark):
    spy, metric = Spy(), MeanIoU()
    strategy = template(plugins=[spy], evaluator=EvaluationPlugin(metric, loggers=[]))
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.eval(benchmark.test_stream[0])
    assert sum(len(images) for images, _, _ in spy.eval) == len(benchmark.test_stream[0].dataset)
    assert all(output.logits.shape[-2:] == (CROP // 4, CROP // 4) for _, _, output in spy.eval)
    assert all(output.aux == () for _, _, output in spy.eval)
    assert metric.matrix.sum() == sum(int((labels < 16).sum()) for _, labels, _ in spy.eval)


def test_labels_without_a_channel_count_as_void_in_the_evaluation_loss(benchmark):
    strategy = template()
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.is_training = False
    logits = torch.randn(1, 3, 2, 2)
    strategy.mb_output = SimpleNamespace(logits=logits, aux=())
    strategy.mbatch = [None, torch.tensor([[[0, 7], [255, 2]]])]
    void = torch.tensor([[[0, 255], [255, 2]]])
    assert strategy.criterion().item() == pytest.approx(cross_entropy(logits, void).item())


class Weighted(CrossEntropy):
    """A user's loss, which happens to derive from ours."""

    def forward(self, logits, target):
        return 3 * super().forward(logits, target)


class Evaluated(SegmentationPlugin):
    """Notes loss and prediction of every evaluation batch, beside what they are to be."""

    def __init__(self):
        super().__init__()
        self.losses, self.same_labels = [], []

    def after_eval_iteration(self, strategy, **kwargs):
        logits, labels = strategy.mb_output.logits, strategy.mb_y
        known = torch.where(labels < logits.shape[1], labels, 255)
        self.losses.append((strategy.loss.item(), cross_entropy(logits, known).item()))
        predicted = predicted_labels(logits, (CROP, CROP))
        self.same_labels.append(strategy.mb_prediction.equal(predicted))
        assert strategy.mb_prediction is strategy.mb_prediction


@pytest.mark.parametrize(
    ("criterion", "times"), [(None, 1), (UnbiasedCrossEntropy(), 1), (Weighted(), 3)]
)
def test_evaluation_has_the_criterions_loss_and_one_prediction(benchmark, criterion, times):
    noted = Evaluated()
    strategy = template(criterion=criterion, plugins=[noted])
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.eval(benchmark.test_stream[0])
    assert len(noted.losses) > 1 and all(noted.same_labels)
    for loss, expected in noted.losses:
        assert loss == pytest.approx(times * expected, rel=1e-5)


class Asked(UnbiasedCrossEntropy):
    """Notes for which steps a criterion is asked for."""

    def __init__(self):
        super().__init__()
        self.n_old_of_steps = []

    def at_step(self, n_old):
        self.n_old_of_steps.append(n_old)
        return super().at_step(n_old)


def test_criterion_follows_the_steps(benchmark):
    criterion = Asked()
    strategy = template(criterion=criterion)
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    assert set(criterion.n_old_of_steps) == {0}
    criterion.n_old_of_steps.clear()
    strategy.train(benchmark.train_stream[1], eval_streams=[])
    assert set(criterion.n_old_of_steps) == {16}
    criterion.n_old_of_steps.clear()
    strategy.eval(benchmark.test_stream[1])
    assert set(criterion.n_old_of_steps) == {0}


def test_torchs_cross_entropy_gets_logits_at_the_size_of_the_labels(benchmark):
    states = []
    for criterion in (nn.CrossEntropyLoss(ignore_index=255), CrossEntropy(reduction="mean")):
        torch.manual_seed(0)
        strategy = template(criterion=criterion, model=tiny_model(seed=2))
        strategy.train(benchmark.train_stream, eval_streams=[])
        strategy.eval(benchmark.test_stream[1])
        states.append(strategy.model.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-4, atol=1e-6)


def test_eight_images_are_the_default_batch(benchmark):
    spy = Spy()
    arguments = {"model": tiny_model(), "optimizer": sgd(0.01), "evaluator": None}
    SegmentationTemplate(**arguments, plugins=[spy]).train(
        benchmark.train_stream[0], eval_streams=[]
    )
    assert {len(images) for images, _, _ in spy.train} == {8}


def test_short_last_batch_is_dropped_unless_it_is_the_only_one(benchmark):
    n_images = len(benchmark.train_stream[0].dataset)
    sizes = {}
    for batch_size in (4, n_images - 1, n_images + 5):
        spy = Spy()
        strategy = template(plugins=[spy], train_mb_size=batch_size)
        strategy.train(benchmark.train_stream[0], eval_streams=[])
        sizes[batch_size] = [len(images) for images, _, _ in spy.train]
    assert sizes == {
        4: [4] * (n_images // 4),
        n_images - 1: [n_images - 1],
        n_images + 5: [n_images],
    }


def test_loader_arguments_reach_the_loaders_and_train_wins_over_the_constructor(benchmark):
    seen = []

    def collate(batch):
        seen.append(len(batch))
        return torch.utils.data.default_collate(batch)

    strategy = template(loader={"collate_fn": collate, "drop_last": True})
    strategy.train(benchmark.train_stream[0], eval_streams=[], drop_last=False)
    n_images = len(benchmark.train_stream[0].dataset)
    assert sum(seen) == n_images
    seen.clear()
    strategy.eval(benchmark.test_stream[0])
    assert sum(seen) == len(benchmark.test_stream[0].dataset)


def test_worker_processes_serve_training_and_evaluation(benchmark):
    spy = Spy()
    strategy = template(plugins=[spy], loader={"num_workers": 1})
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.eval(benchmark.test_stream[0])
    assert spy.train and spy.eval


def test_a_module_that_returns_plain_logits_works_too(benchmark):
    spy = Spy()
    strategy = template(model=nn.Conv2d(3, 21, 1), plugins=[spy])
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.eval(benchmark.test_stream[0])
    assert spy.eval[0][2].logits.shape[1:] == (21, CROP, CROP)


def test_default_evaluator_prints_iou(benchmark, capsys):
    strategy = SegmentationTemplate(
        model=tiny_model(), optimizer=sgd(0.01), train_mb_size=4, eval_mb_size=4
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    metrics = strategy.eval(benchmark.test_stream[:1])
    assert 0 <= metrics["mIoU_all/eval_phase/test_stream/Exp000"] <= 1
    assert "mIoU_all/eval_phase/test_stream/Exp000" in capsys.readouterr().out


def test_previous_output_is_dropped_before_the_next_forward(benchmark):
    alive = []

    class Watch(SegmentationPlugin):
        def before_forward(self, strategy, **kwargs):
            alive.append(strategy.mb_output)

    template(plugins=[Watch()]).train(benchmark.train_stream[0], eval_streams=[])
    assert alive and all(output is None for output in alive)


def test_a_sampler_is_used_in_training_and_left_out_of_evaluation(benchmark):
    spy = Spy()
    sampler = torch.utils.data.SequentialSampler(range(4))
    strategy = template(plugins=[spy], loader={"sampler": sampler})
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    strategy.eval(benchmark.test_stream[0])
    assert sum(len(images) for images, _, _ in spy.train) == 4
    assert sum(len(images) for images, _, _ in spy.eval) == len(benchmark.test_stream[0].dataset)


def test_keywords_that_are_not_the_loaders_are_left_to_others(benchmark):
    strategy = template(loader={"persistent_workers": True})
    strategy.train(benchmark.train_stream[0], eval_streams=[], reset_optimizer_state=True)


def test_dropping_the_only_batch_is_an_error(benchmark):
    strategy = template(train_mb_size=100, loader={"drop_last": True})
    with pytest.raises(ValueError, match="drop_last leaves no batch of 100"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])


def test_an_exploding_loss_stops_with_step_iteration_and_term(benchmark):
    class Explode(SegmentationPlugin):
        def before_backward(self, strategy, **kwargs):
            if strategy.clock.train_exp_iterations == 1:
                value = torch.tensor(float("nan"))
                strategy.loss += value
                record_term(strategy, "mine", value)

    strategy = template(plugins=[Explode()])
    message = r"loss is nan at step 0, iteration 1 \(classification \d.*, mine nan\)"
    with pytest.raises(FloatingPointError, match=message):
        strategy.train(benchmark.train_stream[0], eval_streams=[])


@pytest.mark.parametrize("phase", ["train", "eval"])
def test_images_that_nobody_normalised_are_refused_before_anything_is_learned(tmp_path, phase):
    def to_unit(image, labels):
        return image.float() / 255, labels

    own = {f"{phase}_transform": v2.Compose([eval_preset(CROP), to_unit])}
    benchmark = tiny_benchmark(tmp_path, **own)
    strategy = template()
    with pytest.raises(ValueError, match=r"images with values in 0.*not normalised"):
        strategy.train(benchmark.train_stream[0], eval_streams=[])
        strategy.eval(benchmark.test_stream[0])
    assert strategy.clock.train_iterations == (0 if phase == "train" else 3)
