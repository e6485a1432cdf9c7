"""The confusion matrix as a picture."""

from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure

from avalanche_seg.metrics import ConfusionMatrixFigure, MeanIoU, render
from avalanche_seg.metrics.figures import (
    draw_confusion,
    optional_picture,
    row_percent,
    shown_name,
)


def strategy_at_step(step, logits=None, truth=None):
    """What a metric sees of a strategy in evaluation."""
    stream = SimpleNamespace(name="test", benchmark=SimpleNamespace(class_names=["bg", "cat"]))
    experience = SimpleNamespace(
        current_experience=step, origin_stream=stream, base_classes=[0, 1], task_labels=[0]
    )
    return SimpleNamespace(
        experience=experience,
        clock=SimpleNamespace(train_iterations=9),
        is_eval=True,
        mb_output=logits,
        mb_y=truth,
        mb_x=None,
    )


def test_rows_are_the_shares_of_the_truth():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randint(0, 50, (5, 5), generator=generator)
    matrix[3] = 0
    percent = row_percent(matrix)
    for row in range(5):
        for column in range(5):
            total = sum(matrix[row].tolist())
            if total == 0:
                assert percent[row, column].isnan()
            else:
                expected = 100 * matrix[row, column].item() / total
                assert percent[row, column].item() == pytest.approx(expected)


def test_the_figure_names_the_classes_and_writes_the_percentages():
    percent = row_percent(torch.tensor([[3, 1, 0], [0, 996, 4], [0, 0, 0]]))
    axes = draw_confusion(percent, ["bg", "cat", "dog"], title="after step 0").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["bg", "cat", "dog"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bg", "cat", "dog"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("truth", "prediction")
    assert axes.get_title() == "after step 0"
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}  # (column, row); 0.4 is left out.


def test_many_classes_are_drawn_without_numbers():
    figure = draw_confusion(row_percent(torch.eye(60)), [f"class {n}" for n in range(60)])
    assert not figure.axes[0].texts
    assert max(figure.get_size_inches()) <= 21


def test_rendering_gives_the_pixels():
    pixels = render(Figure(figsize=(4, 3), dpi=10, facecolor=(1.0, 0.0, 0.0)))
    assert (pixels.dtype, tuple(pixels.shape)) == (torch.uint8, (3, 30, 40))
    assert pixels.amax(dim=(1, 2)).tolist() == pixels.amin(dim=(1, 2)).tolist() == [255, 0, 0]


def test_the_metric_draws_the_matrix_that_the_iou_counted():
    iou = MeanIoU()
    metric = ConfusionMatrixFigure(iou)
    logits = torch.tensor([[[[2.0, 2.0]], [[1.0, 3.0]]]])
    strategy = strategy_at_step(1, logits, torch.tensor([[[0, 0]]]))
    iou.before_eval_exp(strategy)
    assert metric.after_eval_exp(strategy) == []
    iou.after_eval_iteration(strategy)
    assert metric.result()[0].tolist() == [50.0, 50.0]
    (value,) = metric.after_eval_exp(strategy)
    assert (value.name, value.x_plot) == ("ConfusionMatrix/eval_phase/test_stream/Exp001", 9)
    expected = draw_confusion(metric.result(), ["bg", "cat"], title="pixels by class, step 1")
    assert torch.equal(value.value.image, render(expected))


def test_a_reset_leaves_the_iou_its_counts():
    iou = MeanIoU()
    strategy = strategy_at_step(0, torch.rand(1, 2, 3, 3), torch.zeros(1, 3, 3).long())
    iou.before_eval_exp(strategy)
    iou.after_eval_iteration(strategy)
    ConfusionMatrixFigure(iou).reset()
    assert iou.matrix.sum() == 9


def test_names_like_formulas_are_drawn_letter_by_letter():
    names = ["$\\frac{$", "a$^b$"]
    figure = draw_confusion(row_percent(torch.eye(2)), names, title="$\\frac{$")
    assert render(figure).float().std() > 10
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == names


ODD_NAMES = [
    "$x_$",
    "a$^{",
    "<b>&amp;",
    "two\nlines",
    "nul\0",
    "_hidden",
    "",
    "{x}",
    "\\frac{",
    "x" * 3000,
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_any_name_is_drawn_letter_by_letter(name):
    figure = draw_confusion(row_percent(torch.eye(2)), ["background", name], title=shown_name(name))
    pixels = render(figure)
    assert pixels.float().std() > 10
    (_, label) = figure.axes[0].get_xticklabels()
    assert label.get_text() == shown_name(name) and not label.get_parse_math()


def test_names_are_shown_in_one_line_of_limited_length():
    assert shown_name("a\tb\r\u2028\x1b[31m") == r"a\tb\r\u2028\x1b[31m"
    assert shown_name("Bär, 猫 $") == "Bär, 猫 $"
    assert shown_name("y" * 40) == "y" * 40 and shown_name("y" * 41) == "y" * 39 + "…"


@pytest.mark.parametrize("error", [ValueError("no\nfont"), OSError(28, "No space"), KeyError("x")])
def test_a_picture_that_fails_is_a_warning(error):
    told = r"the plot is left out \(\w+Error: .*\); everything"
    with pytest.warns(UserWarning, match=told), optional_picture("the plot"):
        raise error


def test_an_interruption_is_no_failing_picture():
    with pytest.raises(KeyboardInterrupt), optional_picture("the plot"):
        raise KeyboardInterrupt


def test_an_evaluation_goes_on_without_the_picture(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no fonts")

    monkeypatch.setattr("avalanche_seg.metrics.figures.draw_confusion", fail)
    iou = MeanIoU()
    metric = ConfusionMatrixFigure(iou)
    strategy = strategy_at_step(0, torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64))
    iou.before_eval_exp(strategy)
    iou.after_eval_iteration(strategy)
    assert iou.after_eval_exp(strategy)
    with pytest.warns(UserWarning, match="the picture ConfusionMatrix/.* is left out .*no fonts"):
        assert metric.after_eval_exp(strategy) == []
