import inspect
from pathlib import Path
from typing import get_type_hints

import torch

from avalanche_seg.benchmarks import FolderIncremental, VOCIncremental, incremental_benchmark
from avalanche_seg.benchmarks.options import BenchmarkOptions
from avalanche_seg.datasets import make_synthetic_voc
from avalanche_seg.datasets.voc import VOC_CLASSES
from tests.insects import CLASS_NAMES, keep


def test_folder(insects: Path) -> None:
    scenario = FolderIncremental(str(insects), task="3-1", progress=False, train_transform=keep)
    assert scenario.class_names == CLASS_NAMES
    assert [len(experience.dataset) for experience in scenario.train_stream] == [5, 4]
    image, labels = scenario.test_stream[0].dataset.eval()[0]
    assert (image.shape, labels.shape) == ((3, 512, 512), (512, 512))


def test_synthetic_voc(tmp_path: Path) -> None:
    make_synthetic_voc(tmp_path, n_train=60, n_val=20, size=(48, 64))
    scenario = VOCIncremental(str(tmp_path), task="15-5s", setting="overlapped", progress=False)
    assert (len(scenario.train_stream), scenario.n_classes) == (6, 21)
    assert scenario.class_names == VOC_CLASSES
    assert len(scenario.test_stream[5].dataset) == 20
    image, labels = scenario.train_stream[3].dataset[0]
    assert (image.dtype, image.shape, labels.shape) == (torch.uint8, (3, 512, 512), (512, 512))
    assert set(labels.unique().tolist()) <= {0, 18}


def test_every_constructor_takes_the_same_options() -> None:
    parameters = inspect.signature(incremental_benchmark).parameters
    shared = set(parameters) - {"files_or_name", "root"}
    assert set(BenchmarkOptions.__annotations__) == shared
    types = get_type_hints(incremental_benchmark)
    assert {name: types[name] for name in shared} == get_type_hints(BenchmarkOptions)


def test_constructors_spell_their_options_out():
    shared = set(BenchmarkOptions.__annotations__)
    for factory in (VOCIncremental, FolderIncremental):
        parameters = inspect.signature(factory).parameters
        assert shared < set(parameters)
        assert parameters["task"].default == "15-5"
        assert parameters["setting"].default == "disjoint"
