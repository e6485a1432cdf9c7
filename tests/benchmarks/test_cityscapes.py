from pathlib import Path

import pytest

from avalanche_seg.benchmarks import CityscapesDomains, CityscapesIncremental
from avalanche_seg.datasets.cityscapes import CITYSCAPES_CITIES
from tests.insects import keep, labels_of
from tests.scene_kits import write_cityscapes

QUIET = {"train_transform": keep, "eval_transform": keep, "progress": False}
LAST, N_TRAIN_CITIES = "munster", 18


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images of every city of the training list, one of the others; road, rider and void."""
    train = {city: [[[7, 25, 0]], [[7, 33, 33]]] for city in CITYSCAPES_CITIES[:N_TRAIN_CITIES]}
    val = {city: [[[7, 33, 1]]] for city in CITYSCAPES_CITIES[N_TRAIN_CITIES:]}
    return write_cityscapes(tmp_path, {"train": train, "val": val})


@pytest.mark.filterwarnings("ignore:.*have no pixel")
def test_classes(root: Path) -> None:
    task = [[1, 13], [19]]
    scenario = CityscapesIncremental(root, task=task, setting="overlapped", **QUIET)  # type: ignore[arg-type]
    assert scenario.class_names == ("background", "road", "rider", "bicycle")
    first, second = labels_of(scenario.train_stream)
    assert (len(first), len(second)) == (36, 18)
    assert first[:2] == [[[1, 2, 0]], [[1, 0, 0]]] and second[0] == [[0, 3, 3]]
    assert labels_of(scenario.test_stream) == [[[[1, 255, 255]]] * 3, [[[1, 3, 255]]] * 3]
    kept = CityscapesIncremental(root, task=task, train_void="ignore", **QUIET)  # type: ignore[arg-type]
    assert labels_of(kept.train_stream)[0][0] == [[1, 2, 255]]


@pytest.mark.filterwarnings("ignore:.*have no pixel")
def test_partitioned(root: Path) -> None:
    scenario = CityscapesIncremental(
        root, task=[[1, 13], [19]], setting="partitioned", **QUIET  # type: ignore[arg-type]
    )  # fmt: skip
    first, second = (set(e.data.indices.tolist()) for e in scenario.train_stream)
    assert not first & second and len(first | second) == 36


@pytest.mark.filterwarnings("ignore:.*have no pixel")
def test_cities(root: Path) -> None:
    scenario = CityscapesDomains(root, test_fraction=0.4, **QUIET)  # type: ignore[arg-type]
    assert (len(scenario.domains), scenario.n_classes) == (3, 19)
    assert scenario.domains[0][0] == "aachen" and scenario.domains[2][-1] == LAST
    assert [len(e.dataset) for e in scenario.train_stream] == [11, 5, 2]
    assert [len(e.dataset) for e in scenario.test_stream] == [11, 16, 21]
    assert scenario.train_stream[0].dataset[0][1].tolist() in ([[0, 12, 255]], [[0, 18, 18]])


@pytest.mark.filterwarnings("ignore:.*have no pixel")
def test_the_published_split(root: Path) -> None:
    with pytest.warns(UserWarning, match="were trained on"):
        scenario = CityscapesDomains(root, split="legacy", **QUIET)  # type: ignore[arg-type]
    assert [len(e.dataset) for e in scenario.train_stream] == [17, 8, 5]
    assert [len(e.dataset) for e in scenario.test_stream] == [5, 7, 8]


def test_an_unknown_city_is_named(root: Path) -> None:
    (root / "leftImg8bit/train/ulm").rename(root / "leftImg8bit/train/ulmm")
    (root / "gtFine/train/ulm").rename(root / "gtFine/train/ulmm")
    with pytest.raises(ValueError, match=r"is of the domain 'ulmm'.*\(there is ulm\)"):
        CityscapesDomains(root, **QUIET)  # type: ignore[arg-type]
    assert CityscapesIncremental(root, task=[[1, 13], [19]], **QUIET)  # type: ignore[arg-type]
