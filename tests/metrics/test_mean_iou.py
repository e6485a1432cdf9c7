from types import SimpleNamespace

import pytest
import torch

from avalanche_seg.metrics import (
    ConfusionMatrix,
    MeanIoU,
    class_iou,
    mean_iou_metrics,
    protocol_means,
)

NAMES = ("background", "a", "b", "c")


def fake_strategy(outputs, targets, *, base=(0, 1, 2), step=1, names=NAMES):
    """An evaluation phase with nothing behind it: the fields that the metric reads."""
    benchmark = SimpleNamespace(class_names=names)
    stream = SimpleNamespace(name="test", benchmark=benchmark)
    experience = SimpleNamespace(current_experience=step, origin_stream=stream)
    if base is not None:
        experience.base_classes = base
    return SimpleNamespace(
        experience=experience,
        is_eval=True,
        mb_x=torch.zeros(2, 3, 6, 6),
        clock=SimpleNamespace(train_iterations=7),
        batches=list(zip(outputs, targets, strict=True)),
    )


def evaluate(metric, strategy):
    metric.before_eval_exp(strategy)
    for output, target in strategy.batches:
        strategy.mb_output, strategy.mb_y = output, target
        metric.after_eval_iteration(strategy)
    return {value.name: value for value in metric.after_eval_exp(strategy)}


def random_batches(n_channels=4, n_labels=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = [torch.randn(2, n_channels, 3, 3, generator=generator) for _ in range(2)]
    targets = [torch.randint(n_labels, (2, 6, 6), generator=generator) for _ in range(2)]
    return logits, targets


def counts(logits, targets):
    metric = ConfusionMatrix()
    for pair in zip(logits, targets, strict=True):
        metric.update(*pair)
    return metric.result()


def test_values_are_the_summary_of_all_batches():
    logits, targets = random_batches()
    values = evaluate(MeanIoU(), fake_strategy(logits, targets))
    expected = protocol_means(counts(logits, targets), 3)
    means = {f"{name}/eval_phase/test_stream/Exp001": value for name, value in expected.items()}
    per_class = values.pop("IoU/eval_phase/test_stream/Exp001").value
    assert {name: value.value for name, value in values.items()} == pytest.approx(means)
    assert list(per_class) == list(NAMES)
    assert list(per_class.values()) == class_iou(counts(logits, targets)).tolist()
    assert {value.x_plot for value in values.values()} == {7}


def test_an_output_with_logits_counts_like_plain_logits():
    logits, targets = random_batches()
    wrapped = [SimpleNamespace(logits=scores) for scores in logits]
    plain, from_output = MeanIoU(), MeanIoU()
    evaluate(plain, fake_strategy(logits, targets))
    evaluate(from_output, fake_strategy(wrapped, targets))
    assert torch.equal(plain.matrix, from_output.matrix)


def test_a_strategys_own_prediction_is_counted():
    logits, targets = random_batches()
    strategy = fake_strategy(logits, targets)
    strategy.mb_prediction = torch.zeros_like(targets[0])
    metric = MeanIoU()
    evaluate(metric, strategy)
    assert metric.matrix[:, 0].sum() == metric.matrix.sum() > 0


def test_what_cannot_be_averaged_is_not_emitted():
    logits, targets = random_batches(n_channels=3, n_labels=2)  # Nothing new; b is absent.
    values = evaluate(MeanIoU(), fake_strategy(logits, targets))
    names = {name.split("/")[0] for name in values}
    assert names.isdisjoint({"mIoU_new", "mIoU_new_bg", "mIoU_harmonic"})
    assert {"mIoU_old", "mIoU_all", "mIoU_all_bg", "pixel_accuracy"} <= names
    assert list(values["IoU/eval_phase/test_stream/Exp001"].value) == ["background", "a"]


def test_an_experience_without_base_classes_has_only_old_ones():
    logits, targets = random_batches()
    metric = MeanIoU()
    evaluate(metric, fake_strategy(logits, targets, base=None))
    assert metric.result()["mIoU_old"] == metric.result()["mIoU_all"]
    assert "mIoU_new" not in metric.result()


def test_arguments_win_over_the_benchmark():
    logits, targets = random_batches()
    (metric,) = mean_iou_metrics(class_names=["w", "x", "y", "z"], base_classes=[0, 1])
    values = evaluate(metric, fake_strategy(logits, targets))
    assert list(values["IoU/eval_phase/test_stream/Exp001"].value) == ["w", "x", "y", "z"]
    expected = protocol_means(counts(logits, targets), 2)["mIoU_old"]
    assert values["mIoU_old/eval_phase/test_stream/Exp001"].value == pytest.approx(expected)


def test_without_names_the_channels_are_numbered():
    strategy = fake_strategy(*random_batches())
    strategy.experience.origin_stream.benchmark = None
    values = evaluate(MeanIoU(), strategy)
    assert list(values["IoU/eval_phase/test_stream/Exp001"].value) == ["0", "1", "2", "3"]


def test_values_by_class_can_be_left_out():
    (metric,) = mean_iou_metrics(per_class=False)
    values = evaluate(metric, fake_strategy(*random_batches()))
    assert not any(name.startswith("IoU/") for name in values)


def test_every_experience_starts_from_nothing():
    logits, targets = random_batches()
    metric = MeanIoU()
    evaluate(metric, fake_strategy(*random_batches(seed=1)))
    evaluate(metric, fake_strategy(logits, targets))
    assert torch.equal(metric.matrix, counts(logits, targets))
    metric.reset()
    assert len(metric.matrix) == 0


def test_an_experience_without_a_batch_emits_nothing():
    assert evaluate(MeanIoU(), fake_strategy([], [])) == {}


def test_the_report_of_a_step_is_that_of_its_last_evaluation():
    metric = MeanIoU()
    evaluate(metric, fake_strategy(*random_batches(seed=1), step=0))
    evaluate(metric, fake_strategy(*random_batches(seed=2), step=1))
    logits, targets = random_batches()
    strategy = fake_strategy(logits, targets, step=0)
    strategy.experience.label_space = SimpleNamespace(class_order=(0, 7, 3, 5))
    evaluate(metric, strategy)
    report = metric.report(0)
    assert torch.equal(report.matrix, counts(logits, targets))
    assert (report.step, report.n_base) == (0, 3)
    assert (report.class_names, report.class_ids) == (list(NAMES), [0, 7, 3, 5])
    assert metric.report(1).class_ids == []
    with pytest.raises(ValueError, match=r"step 2 was not evaluated; .*\(0, 1\)"):
        metric.report(2)


def test_a_network_may_have_channels_that_no_class_names():
    """Such as one of 6 channels, from elsewhere, on a benchmark of 4 classes."""
    logits, targets = random_batches(n_channels=6)
    metric = MeanIoU()
    values = evaluate(metric, fake_strategy(logits, targets))
    expected = [*NAMES, "4", "5"]
    assert metric.report(1).class_names == expected
    present = values["IoU/eval_phase/test_stream/Exp001"].value
    assert list(present) == list(NAMES), "absent from the truth, not emitted"
