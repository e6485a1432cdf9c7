import numpy as np
import pytest
import torch

from avalanche_seg.benchmarks import FolderIncremental
from avalanche_seg.plugins import ClassExemplarsBuffer
from avalanche_seg.strategies import FineTuning
from avalanche_seg.training import sgd
from tests.devkits import write_devkit
from tests.tiny import tiny_model

VOID = 255
NAMES = ["background", "ant", "bee", "cat"]


def stripes(*values):
    """A mask of vertical stripes, 8 pixels wide each."""
    return np.repeat(np.repeat(np.array([values], dtype=np.uint8), 16, axis=0), 8, axis=1)


# ant: a, b, c, e; bee: b, d (as step 1 of ant | bee | cat); cat: c, d, e, f
TRAIN = {
    "a": stripes(0, 1, 1),
    "b": stripes(0, 1, 2),
    "c": stripes(1, 3, 0),
    "d": stripes(2, 3, 255),
    "e": stripes(1, 1, 3),
    "f": stripes(3, 3, 0),
}
IDS = list(TRAIN)


@pytest.fixture
def benchmark(tmp_path):
    return make_benchmark(tmp_path)


def make_benchmark(root, **options):
    write_devkit(root / "kit", {"train": TRAIN, "val": {"v": stripes(1, 2, 3)}}, NAMES)
    same = {"train_transform": _identity, "eval_transform": _identity, "progress": False}
    arguments = {"task": [[1], [2], [3]], "setting": "overlapped", "train_void": "ignore"}
    return FolderIncremental(root / "kit", **(same | arguments | options))


def _identity(image, labels):
    return image, labels


class Agent:
    device = torch.device("cpu")

    def __init__(self):
        self.model = tiny_model()
        self.model.grow(4)


def filled(benchmark, n_steps=3, **options):
    buffer = ClassExemplarsBuffer(**options)
    for experience in benchmark.train_stream[:n_steps]:
        buffer.post_adapt(Agent(), experience)
    return buffer


def images(buffer):
    return {c: [IDS[e.image] for e in chosen] for c, chosen in buffer.exemplars.items()}


@pytest.mark.parametrize("selection", ["random", "largest", "herding"])
def test_n_a_class_from_images_that_show_it_each_for_one_class(benchmark, selection):
    buffer = filled(benchmark, n_per_class=1, selection=selection)
    chosen = images(buffer)
    assert {channel: len(found) for channel, found in chosen.items()} == {1: 1, 2: 1, 3: 1}
    everything = [image for found in chosen.values() for image in found]
    assert len(set(everything)) == 3
    for channel, found in chosen.items():
        assert all((TRAIN[image] == channel).any() for image in found)
    assert len(buffer) == len(buffer.buffer) == 3


def test_largest_takes_the_largest_areas(benchmark):
    chosen = images(filled(benchmark, n_per_class=2, selection="largest"))
    assert chosen == {1: ["a", "e"], 2: ["b", "d"], 3: ["f", "c"]}


def test_a_class_with_fewer_images_gets_all_there_are_and_a_warning(benchmark):
    with pytest.warns(UserWarning, match="'bee' gets 1 of 3 exemplars"):
        buffer = filled(benchmark, n_steps=2, n_per_class=3, selection="largest")
    # "b" shows it too, but stands for the ant already.
    assert images(buffer) == {1: ["a", "e", "b"], 2: ["d"]}


def test_never_an_image_of_a_later_step(benchmark):
    buffer = filled(benchmark, n_per_class=1)
    for step in range(4):
        allowed = [e for c in buffer.exemplars.values() for e in c if e.step < step]
        assert len(buffer.dataset(step)) == len(allowed) == step


def test_the_same_seed_gives_the_same_memory(benchmark):
    runs = [images(filled(benchmark, n_per_class=1, seed=seed)) for seed in (0, 0, *range(1, 9))]
    assert runs[0] == runs[1]
    assert any(run != runs[0] for run in runs)


def labels_of(dataset):
    return {tuple(labels[0, ::8].tolist()) for _, labels, *_ in dataset}


def test_visible_exemplars_show_every_class_seen_so_far_pixel_by_pixel(benchmark):
    buffer = filled(benchmark, n_per_class=2, selection="largest")
    assert labels_of(buffer.dataset(1)) == {(0, 1, 1), (1, 1, 0)}
    assert labels_of(buffer.dataset(2)) == {(0, 1, 1), (1, 1, 3), (0, 1, 2), (2, 3, VOID)}


def test_stored_exemplars_keep_the_labels_of_their_step_pixel_by_pixel(benchmark):
    buffer = filled(benchmark, n_per_class=2, selection="largest", label_mode="stored")
    assert labels_of(buffer.dataset(1)) == {(0, 1, 1), (1, 1, 0)}
    assert labels_of(buffer.dataset(2)) == {(0, 1, 1), (1, 1, 0), (0, 0, 2), (2, 0, VOID)}


def test_samples_say_what_they_annotate(benchmark):
    buffer = filled(benchmark, n_per_class=1, selection="largest", label_mode="stored")
    annotated = [sample[2]["annotated"][1:].tolist() for sample in buffer.dataset(2, annotate=True)]
    assert annotated == [[True, False, False], [False, True, False]]
    buffer.annotates = "earlier"
    annotated = [sample[2]["annotated"][1:].tolist() for sample in buffer.dataset(2, annotate=True)]
    assert annotated == [[True, True, False]] * 2, "as MiB-AugM: new classes alone are hidden"


def test_holds_no_pixels(benchmark):
    buffer = filled(benchmark, n_per_class=2)
    held = [e for chosen in buffer.exemplars.values() for e in chosen]
    assert all(isinstance(value, int) for e in held for value in (e.image, e.channel, e.step))


def test_resize_keeps_the_best(benchmark):
    buffer = filled(benchmark, n_per_class=2, selection="largest")
    buffer.resize(None, 1)
    assert images(buffer) == {1: ["a"], 2: ["b"], 3: ["f"]}


def test_herding_leaves_the_model_in_its_mode(benchmark):
    agent = Agent()
    agent.model.train()
    buffer = ClassExemplarsBuffer(1, selection="herding")
    buffer.post_adapt(agent, benchmark.train_stream[0])
    assert all(module.training for module in agent.model.modules())


def test_no_exemplars_is_an_empty_memory(benchmark):
    assert len(filled(benchmark, n_per_class=0).dataset(3)) == 0


def test_a_class_without_image_is_named(tmp_path):
    benchmark = make_benchmark(tmp_path, task=[[1], [2, 3]], setting="disjoint")
    experience = benchmark.train_stream[1]
    experience.data.counts[:, 2] = 0
    with pytest.raises(ValueError, match="'bee' of step 1 has no training image"):
        ClassExemplarsBuffer(1).post_adapt(Agent(), experience)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_per_class": -1}, "zero or more"),
        ({"selection": "best"}, "random, largest, herding"),
        ({"label_mode": "all"}, "visible, stored"),
        ({"policy": "never"}, "extend, redraw"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        ClassExemplarsBuffer(**options)


def test_plugs_into_avalanches_own_replay(benchmark):
    """A storage policy in Avalanche's sense: ``update`` and ``buffer``."""
    strategy = FineTuning(model=tiny_model(), optimizer=sgd(), train_mb_size=2, evaluator=None)
    strategy.experience = benchmark.train_stream[0]
    buffer = ClassExemplarsBuffer(1)
    buffer.update(strategy)
    assert len(buffer.buffer) == 1


def test_redrawn_exemplars_come_from_the_memory_and_the_steps_images_that_show_the_class(tmp_path):
    """Step 1 sees b and d; with old labels visible b may stand for the ant, too."""
    benchmark = make_benchmark(tmp_path, old_labels="visible")
    options = {"n_per_class": 1, "selection": "largest"}
    found = {images(filled(benchmark, 1, **options))[1][0]}
    assert found == {"a"}
    for seed in range(20):
        buffer = filled(benchmark, 2, n_per_class=1, policy="redraw", seed=seed)
        chosen = images(buffer)
        first = images(filled(benchmark, 1, n_per_class=1, seed=seed))[1]
        assert set(chosen[1]) <= {*first, "b"} and set(chosen[2]) <= {"b", "d"}
        assert set(chosen[1]).isdisjoint(chosen[2])
        (ant,) = buffer.exemplars[1]
        assert ant.step == (0 if IDS[ant.image] in first else 1)
        found |= set(chosen[1])
    assert len(found) > 1, "the draw is a new one"


def test_redrawn_exemplars_with_stored_labels_show_their_class(tmp_path):
    """An image of the memory that is to stand for a new class takes that step's labels."""
    benchmark = make_benchmark(tmp_path)
    for seed in range(20):
        buffer = filled(benchmark, n_per_class=1, policy="redraw", label_mode="stored", seed=seed)
        samples = list(buffer.dataset(3))
        shown = [set(labels.unique().tolist()) for _, labels, *_ in samples]
        for channel in (1, 2, 3):
            assert any(channel in labels for labels in shown), (seed, channel)


def test_redrawn_from_the_memory_alone_where_old_labels_are_hidden(benchmark):
    for seed in range(10):
        before = images(filled(benchmark, 1, n_per_class=1, seed=seed))
        after = images(filled(benchmark, 3, n_per_class=1, seed=seed, policy="redraw"))
        assert after[1] == before[1]


def test_an_exemplar_that_is_an_image_of_the_step_with_the_same_labels_is_left_out(tmp_path):
    visible = make_benchmark(tmp_path, old_labels="visible")
    buffer = filled(visible, 1, n_per_class=4)
    assert images(buffer)[1] and set(images(buffer)[1]) == {"a", "b", "c", "e"}
    own = visible.train_stream[1].data  # b and d
    beside = buffer.dataset(1, beside=own)
    assert len(buffer.dataset(1)) == 4 and len(beside) == 3
    assert (0, 1, 2) in labels_of(own.build()) and (0, 1, 2) not in labels_of(beside)
    hidden = make_benchmark(tmp_path).train_stream[1].data
    assert len(buffer.dataset(1, beside=hidden)) == 4, "other labels are another sample"


def test_state_round_trips(benchmark):
    buffer = filled(benchmark, n_per_class=1, seed=3)
    state = buffer.state_dict()
    again = ClassExemplarsBuffer(1, seed=8)
    again.load_state_dict(state)
    assert again.exemplars == buffer.exemplars
    for experience in benchmark.train_stream:  # Known steps are not drawn again.
        again.post_adapt(Agent(), experience)
    assert again.exemplars == buffer.exemplars
    assert labels_of(again.dataset(2)) == labels_of(buffer.dataset(2))
    with pytest.raises(ValueError, match="1 exemplars per class and this one 2"):
        ClassExemplarsBuffer(2).load_state_dict(state)
