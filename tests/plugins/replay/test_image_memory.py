"""SSUL-M's memory: a fixed number of images, classes in turn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avalanche_seg.models import SegmentationOutput
from avalanche_seg.plugins import ImageMemory, ImageReplayPlugin, SegmentationPlugin
from avalanche_seg.plugins.replay.image_memory import sure_classes
from avalanche_seg.plugins.replay.plugin import FixedShareSampler
from avalanche_seg.plugins.replay.selection import take_in_turns
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.tiny import tiny_benchmark, tiny_model


def naive(shown, classes, n, rng):
    """One pick at a time, from the page."""
    waiting = rng.permutation(list(shown)).tolist()
    turns = rng.permutation(list(classes)).tolist()
    taken, idle, turn = [], 0, 0
    while len(taken) < n and idle < len(turns):
        channel = turns[turn % len(turns)]
        found = [i for i in waiting if i not in taken and channel in shown[i]]
        taken, idle, turn = taken + found[:1], 0 if found else idle + 1, turn + 1
    return taken


SHOWN = st.dictionaries(st.integers(0, 30), st.sets(st.integers(1, 4)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(SHOWN, st.integers(1, 12), st.integers(0, 3))
def test_classes_take_turns(shown, n, seed):
    first, second = (np.random.default_rng(seed) for _ in range(2))
    taken = take_in_turns(shown, [1, 2, 3, 4], n, first)
    assert taken == naive(shown, [1, 2, 3, 4], n, second)
    assert len(taken) == len(set(taken)) == min(n, sum(1 for c in shown.values() if c))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return tiny_benchmark(tmp_path_factory.mktemp("memory"), task="10-5")


class Batches(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.found, self.images = {}, {}

    def before_training_iteration(self, strategy, **kwargs):
        step = strategy.experience.current_experience
        self.found.setdefault(step, []).append([part for part in strategy.mbatch[1:]])


def trained(benchmark, memory, *, half=False, steps=3, **options):
    torch.manual_seed(0)
    batches, plugin = Batches(), ImageReplayPlugin(memory, half=half)
    strategy = FineTuning(
        model=tiny_model(), optimizer=sgd(0.01), train_mb_size=4, evaluator=None,
        plugins=[plugin, batches], **options,
    )  # fmt: skip
    random_states = []
    for experience in benchmark.train_stream[:steps]:
        strategy.train(experience, eval_streams=[])
        random_states.append(torch.random.get_rng_state())
    return batches, random_states


def test_the_memory_is_drawn_anew_from_itself_and_the_step(benchmark):
    memory = ImageMemory(6, threshold=0.0)
    drawn = []

    class Note(SegmentationPlugin):
        def before_training_exp(self, strategy, **kwargs):
            drawn.append(dict(memory.images))

    strategy = FineTuning(
        model=tiny_model(), optimizer=sgd(0.01), train_mb_size=4, evaluator=None,
        plugins=[ImageReplayPlugin(memory), Note()],
    )  # fmt: skip
    strategy.train(benchmark.train_stream, eval_streams=[])
    drawn.append(dict(memory.images))
    assert [len(images) for images in drawn] == [0, 6, 6, 6]
    for step, images in enumerate(drawn[1:]):
        own = set(benchmark.train_stream[step].data.indices.tolist())
        assert all(i in drawn[step] or i in own for i in images)
        assert all(of_step <= step for of_step, _ in images.values())
    at_0 = benchmark.train_stream[0].data
    of_label = dict(zip(at_0.indices.tolist(), at_0.class_sets(), strict=True))
    for image, (_, classes) in drawn[1].items():
        assert classes <= of_label[image] - {0}, "the crop's classes, of the label alone"


def test_labels_are_completed_by_what_the_model_is_sure_of(benchmark):
    """With a threshold of 0 every pixel of the background gets the model's best class."""
    memory = ImageMemory(8, threshold=0.0)

    class Always(SegmentationPlugin):
        def before_training_epoch(self, strategy, **kwargs):
            model = strategy.model
            with torch.no_grad():  # Class 7 everywhere.
                model.head.classifiers[0].bias[7] = 1e4

    strategy = FineTuning(
        model=tiny_model(), optimizer=sgd(1e-9), train_mb_size=4, evaluator=None,
        plugins=[ImageReplayPlugin(memory), Always()],
    )  # fmt: skip
    strategy.train(benchmark.train_stream[:2], eval_streams=[])
    later = [classes for step, classes in memory.images.values() if step == 1]
    assert later and all(7 in classes for classes in later)


@pytest.mark.parametrize(
    ("labels", "shown"),
    [("visible", range(21)), ("stored", range(16)), ("new", {0, *range(16, 21)})],
)
def test_what_images_show_later(benchmark, labels, shown):
    memory = ImageMemory(6, labels=labels)
    trained(benchmark, memory)
    dataset = memory.dataset(2)
    seen = {int(v) for _, y in dataset for v in y.unique()} - {255}
    assert seen <= set(shown)
    steps = {step for step, _ in memory.images.values() if step < 2}
    assert len(dataset) == sum(step in steps for step, _ in memory.images.values() if step < 2)


def test_half_of_every_batch_and_no_more_batches(benchmark):
    memory = ImageMemory(6, raw_labels=True)
    batches, _ = trained(benchmark, memory, half=True)
    for step, found in batches.found.items():
        n_images = len(benchmark.train_stream[step].dataset)
        assert len(found) == n_images // 4
        for _, extras in found:
            assert extras["raw_labels"].sum() == (2 if step else 0)


@pytest.mark.parametrize("n_new", [3, 4, 11])
def test_replaced_places_leave_new_images_out(n_new):
    torch.manual_seed(0)
    sampler = FixedShareSampler(n_new, n_memory=5, batch_size=4, share=0.5, replace=True)
    batches = list(sampler)
    assert len(batches) == len(sampler) == max(1, n_new // 4)
    for batch in batches:
        assert sum(i >= n_new for i in batch) == 2 and len(set(batch)) == len(batch) == 4
    new = [i for batch in batches for i in batch if i < n_new]
    assert len(new) == len(set(new)) == 2 * len(batches)


def test_drawing_leaves_the_trainings_random_numbers_alone(benchmark):
    _, first = trained(benchmark, ImageMemory(6, group="train"), steps=1)
    _, second = trained(benchmark, ImageMemory(6, seed=3), steps=1)
    assert first[0].equal(second[0])


def test_state_goes_round_and_another_size_is_refused(benchmark):
    memory = ImageMemory(6)
    trained(benchmark, memory, steps=2)
    again = ImageMemory(6)
    again.load_state_dict(memory.state_dict())
    assert again.images == memory.images and again.state_dict() == memory.state_dict()
    with pytest.raises(ValueError, match=r"saved memory has 6 images and this one 7"):
        ImageMemory(7).load_state_dict(memory.state_dict())


def test_sure_classes_of_models_with_and_without_a_background_channel():
    logits = torch.tensor([[9.0, 8.0, 7.0], [-9.0, 9.0, -9.0], [-9.0, -9.0, 9.0]])
    output = SegmentationOutput(logits.view(3, 3, 1, 1))
    split = tiny_model(n_extra=1, background="split")
    assert sure_classes(split, output, 0.7, (1, 1)).flatten().tolist() == [0, 0, 1]
    none = tiny_model(n_extra=1, background="none")
    assert sure_classes(none, output, 0.9, (1, 1)).flatten().tolist() == [1, 1, 2]
    assert sure_classes(none, output, 1.0, (1, 1)).flatten().tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "memory_size=0"),
        ({"size": 5, "threshold": 2.0}, "threshold=2.0; expected 0 to 1"),
        ({"size": 5, "labels": "old"}, "labels='old' is unknown; expected one of visible, stored"),
        ({"size": 5, "seed": -1}, "seed=-1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        ImageMemory(**options)
