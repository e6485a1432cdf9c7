"""Image, truth and prediction side by side."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.labels import VOID, LabelSpace
from avalanche_seg.metrics import SamplePredictions
from avalanche_seg.normalization import normalize_images, to_pixels

PALETTE = [(index + shift) % 256 for index in range(256) for shift in (0, 50, 100)]
SPACE = LabelSpace(steps=((3,), (1,)), names=("background", "a", "b", "c"))


def colour(dataset_id):
    return PALETTE[3 * dataset_id : 3 * dataset_id + 3]


def batch(n, height=4, width=6, seed=0, space=SPACE):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.rand(n, 3, height, width, generator=generator)
    return SimpleNamespace(
        mb_x=torch.randint(0, 256, (n, 3, height, width), generator=generator, dtype=torch.uint8),
        mb_y=torch.randint(0, 3, (n, height, width), generator=generator),
        mb_output=SimpleNamespace(logits=logits),
        experience=SimpleNamespace(
            label_space=space,
            current_experience=0,
            origin_stream=SimpleNamespace(name="test"),
            task_labels=[0],
        ),
        clock=SimpleNamespace(train_iterations=5),
        is_eval=True,
    )


def collect(metric, *batches):
    metric.before_eval_exp(batches[0])
    for each in batches:
        metric.after_eval_iteration(each)
    return metric.after_eval_exp(batches[-1])


def test_every_pixel_has_the_colour_of_its_class():
    strategy = batch(1)
    strategy.mb_y[0, 0, 0] = VOID
    metric = SamplePredictions(PALETTE)
    (value,) = collect(metric, strategy)
    assert value.name == "Predictions/eval_phase/test_stream/Exp000"
    assert value.x_plot == 5
    sheet = value.value.image
    assert (sheet.dtype, tuple(sheet.shape)) == (torch.uint8, (3, 4, 18))
    prediction = strategy.mb_output.logits.argmax(1)[0]
    for y in range(4):
        for x in range(6):
            assert sheet[:, y, x].tolist() == strategy.mb_x[0, :, y, x].tolist()
            truth = strategy.mb_y[0, y, x].item()
            dataset_id = VOID if truth == VOID else SPACE.class_order[truth]
            assert sheet[:, y, 6 + x].tolist() == colour(dataset_id)
            guess = SPACE.class_order[prediction[y, x].item()]
            assert sheet[:, y, 12 + x].tolist() == colour(guess)


def test_without_a_label_space_channels_are_dataset_ids():
    strategy = batch(1, space=None)
    (value,) = collect(SamplePredictions(PALETTE), strategy)
    assert value.value.image[:, 1, 7].tolist() == colour(strategy.mb_y[0, 1, 1].item())


def test_a_label_without_a_channel_has_the_colour_of_void():
    strategy = batch(1)
    strategy.mb_y[0, 2, 2] = 7
    (value,) = collect(SamplePredictions(PALETTE), strategy)
    assert value.value.image[:, 2, 6 + 2].tolist() == colour(VOID)


def test_the_first_n_images_are_kept_over_batches_of_any_size():
    first, second, third = batch(2), batch(2, seed=1), batch(2, height=3, width=5, seed=2)
    metric = SamplePredictions(PALETTE, n=3)
    (value,) = collect(metric, first, second, third)
    sheet = value.value.image
    assert sheet.shape == (3, 3 * 4 + 2 * 4, 18)
    images = [first.mb_x[0], first.mb_x[1], second.mb_x[0]]
    for row, image in enumerate(images):
        assert torch.equal(sheet[:, 8 * row : 8 * row + 4, :6], image)
    assert (sheet[:, 4:8] == 255).all()


def test_rows_of_other_sizes_are_padded_in_white():
    metric = SamplePredictions(PALETTE, n=2)
    (value,) = collect(metric, batch(1), batch(1, height=3, width=5, seed=2))
    sheet = value.value.image
    assert sheet.shape == (3, 4 + 4 + 3, 18)
    assert (sheet[:, 8:, 15:] == 255).all()


def test_large_images_are_shown_smaller():
    strategy = batch(1, height=300, width=600)
    (value,) = collect(SamplePredictions(PALETTE), strategy)
    assert value.value.image.shape == (3, 100, 3 * 200)
    assert torch.equal(value.value.image[:, :, :200], strategy.mb_x[0, :, ::3, ::3])


def test_logits_at_another_stride_are_resized():
    strategy = batch(1)
    strategy.mb_output = torch.tensor([0.0, 2.0, 1.0]).view(1, 3, 1, 1)  # Plain logits, too.
    (value,) = collect(SamplePredictions(PALETTE), strategy)
    assert (value.value.image[:, :, 12:] == torch.tensor(colour(3)).view(3, 1, 1)).all()


def test_the_next_evaluation_starts_anew_and_none_shows_nothing():
    metric = SamplePredictions(PALETTE, n=1)
    collect(metric, batch(1))
    other = batch(1, seed=3)
    (value,) = collect(metric, other)
    assert torch.equal(value.value.image[:, :, :6], other.mb_x[0])
    metric.reset()
    assert metric.result().shape == (3, 0, 0)
    assert collect(SamplePredictions(PALETTE, n=0), other) == []


@given(seed=st.integers(0, 1000))
def test_pixels_survive_normalisation_exactly(seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (2, 3, 4, 5), generator=generator, dtype=torch.uint8)
    assert torch.equal(to_pixels(normalize_images(images)), images)
    assert torch.equal(to_pixels(images), images)


def test_values_outside_the_range_of_pixels_are_clamped():
    pixels = to_pixels(torch.tensor([-9.0, 9.0, 0.0]).view(1, 3, 1, 1))
    assert pixels.flatten().tolist() == [0, 255, round(0.406 * 255)]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="got a palette of 3 integers; expected 768"):
        SamplePredictions([0, 0, 0])
    with pytest.raises(ValueError, match="n=-1; expected zero images or more"):
        SamplePredictions(PALETTE, n=-1)
