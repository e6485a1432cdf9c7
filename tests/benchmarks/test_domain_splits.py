import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.benchmarks.domain_splits import (
    clean_split,
    domain_steps,
    given_split,
    legacy_split,
)
from avalanche_seg.datasets.cityscapes import CITYSCAPES_CITIES

# Images of every city, in the order of the domains; the last three are of the validation list.
N_IMAGES = (
    *(174, 316, 85, 109, 196, 99, 365, 144, 142, 96, 154, 221, 248, 119, 94, 196, 95, 122),
    *(267, 59, 174),
)


def cityscapes() -> np.ndarray:
    """The domain of every image in the order of the files: by list, then by the city's name."""
    numbers = [*sorted(range(18), key=lambda n: CITYSCAPES_CITIES[n]), 18, 19, 20]
    return np.concatenate([np.full(N_IMAGES[n], n) for n in numbers])


def test_steps_of_cityscapes_tasks() -> None:
    sizes = [len(step) for step in domain_steps("11-5", CITYSCAPES_CITIES)]
    assert sizes == [11, 5, 5]
    assert [CITYSCAPES_CITIES[s[0]] for s in domain_steps("11-5", CITYSCAPES_CITIES)] == [
        *("aachen", "dusseldorf", "ulm"),
    ]
    assert [len(step) for step in domain_steps("11-1", CITYSCAPES_CITIES)] == [11, *[1] * 10]
    assert domain_steps("1-1", CITYSCAPES_CITIES) == tuple((n,) for n in range(21))
    assert domain_steps("offline", CITYSCAPES_CITIES) == (tuple(range(21)),)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("3-1", r"task='3-1' does not cut the 2 domains into steps; expected 'offline', 'A-B'"),
        ("night", "does not cut the 2 domains"),
        ([["day"], ["dusk"]], r"unknown domains \['dusk'\] in a step; expected some of day, night"),
        ([["day"], ["day"]], r"\['day'\] twice"),
        ([["day"], []], "no name in a step"),
        ([], "no name"),
    ],
)
def test_bad_tasks(task: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        domain_steps(task, ["day", "night"])  # type: ignore[arg-type]


def test_published_counts_of_the_legacy_split() -> None:
    domains = cityscapes()
    assert len(domains) == 3475
    images = legacy_split(domains, domain_steps("11-5", CITYSCAPES_CITIES))
    assert [len(part) for part in images.train] == [1504, 702, 573]
    assert [len(part) for part in images.test] == [376, 552, 695]


@pytest.mark.parametrize("task", ["11-5", "11-1", "1-1"])
def test_most_images_of_the_last_legacy_test_were_trained_on(task: str) -> None:
    images = legacy_split(cityscapes(), domain_steps(task, CITYSCAPES_CITIES))
    shared = np.isin(images.test[-1], np.concatenate(images.train)).mean()
    assert 0.71 <= round(shared, 2) <= 0.78


def test_the_legacy_split_is_the_shuffle_of_the_published_seed() -> None:
    domains = np.array([0, 1, 0, 0, 1, 1, 0, 0, 1, 1])
    first = [0, 2, 3, 6, 7]
    np.random.RandomState(1).shuffle(first)
    everything = list(range(10))
    np.random.RandomState(1).shuffle(everything)
    images = legacy_split(domains, [[0], [1]])
    assert images.train[0].tolist() == sorted(first[:4])
    assert images.test[0].tolist() == first[4:]
    assert images.test[1].tolist() == sorted(everything[8:])


def test_counts_of_the_clean_split() -> None:
    domains = cityscapes()
    for task in ("11-5", "1-1"):
        steps = domain_steps(task, CITYSCAPES_CITIES)
        images = clean_split(domains, steps)
        train = [sum(N_IMAGES[n] * 4 // 5 for n in step) for step in steps]
        assert [len(part) for part in images.train] == train
        tested = [sum(N_IMAGES[n] - N_IMAGES[n] * 4 // 5 for n in step) for step in steps]
        assert [len(part) for part in images.test] == np.cumsum(tested).tolist()


@given(
    domains=st.lists(st.integers(0, 3), min_size=4, max_size=40).map(np.array),
    fraction=st.floats(0.05, 0.95),
    seed=st.integers(0, 5),
)
def test_no_image_of_the_clean_split_is_trained_on_and_tested(
    domains: np.ndarray, fraction: float, seed: int
) -> None:
    steps = [[0, 2], [1], [3]]
    images = clean_split(domains, steps, test_fraction=fraction, seed=seed)
    train, test = np.concatenate(images.train), images.test[-1]
    assert sorted([*train, *test]) == list(range(len(domains)))
    for step, indices in enumerate(images.train):
        assert set(domains[indices]) <= set(steps[step])
        assert set(images.test[0]) <= set(images.test[step]), "tests are cumulative"
    # What is tested of a city does not depend on how cities are grouped.
    alone = clean_split(domains, [[n] for n in range(4)], test_fraction=fraction, seed=seed)
    assert alone.test[-1].tolist() == test.tolist()


def test_given_lists() -> None:
    images = given_split(np.array([1, 0, 0]), np.array([0, 1, 1]), [[1], [0]])
    assert [part.tolist() for part in images.train] == [[0], [1, 2]]
    assert [part.tolist() for part in images.test] == [[1, 2], [0, 1, 2]]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, float("nan")])
def test_bad_shares(fraction: float) -> None:
    for split in (clean_split, legacy_split):
        with pytest.raises(ValueError, match=r"test_fraction=.*between 0 and 1"):
            split(np.array([0, 1]), [[0], [1]], test_fraction=fraction)  # type: ignore[operator]
