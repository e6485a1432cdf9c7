import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from avalanche.benchmarks.utils import AvalancheDataset

from avalanche_seg.benchmarks import SegmentationScenario, domain_incremental_benchmark
from avalanche_seg.datasets import Domains
from tests.daytimes import CLASSES, HALVES, daytimes_benchmark, mask_of, write_daytimes
from tests.insects import benchmark as insects_benchmark


def indices(scenario: SegmentationScenario, stream: str = "train") -> list[list[int]]:
    return [e.data.indices.tolist() for e in getattr(scenario, f"{stream}_stream")]


def test_steps_change_images_and_no_classes(tmp_path: Path) -> None:
    scenario = daytimes_benchmark(tmp_path)
    assert (scenario.n_classes, scenario.class_names, scenario.class_ids) == (
        4, CLASSES, (0, 1, 2, 3),
    )  # fmt: skip
    assert scenario.domains == (("day", "dusk"), ("night",))
    first, second = scenario.train_stream
    assert (first.previous_classes, second.previous_classes) == ([], [0, 1, 2, 3])
    for experience in (first, second):
        assert experience.classes_in_this_experience == [0, 1, 2, 3]
        assert experience.classes_seen_so_far == experience.base_classes == [0, 1, 2, 3]
        assert experience.future_classes == []
    assert (first.domains, second.domains) == ((("day", "dusk"),), (("night",),))
    assert second.test.domains == (("day", "dusk"), ("night",))
    assert indices(scenario) == [list(range(8)), list(range(8, 12))]
    assert indices(scenario, "test") == [[0, 1], [0, 1, 2]]


def test_labels_are_those_of_the_masks_and_void_stays_void(tmp_path: Path) -> None:
    for void in ("ignore", "background"):  # There is no background that void could become.
        scenario = daytimes_benchmark(tmp_path, train_void=void)
        for experience in scenario.train_stream:
            for i, (_, labels) in zip(experience.data.indices, experience.dataset, strict=True):
                assert labels.equal(torch.from_numpy(mask_of(*HALVES[i % 4])))
        _, labels, extras = scenario.test_stream[1].dataset[2]
        assert labels.equal(torch.from_numpy(mask_of(*HALVES[4])))
        assert extras["domain"].item() == 1 and extras["domain"].dtype == torch.int64


def test_data_with_a_background_keep_it(insects: Path, devkit: Any) -> None:
    domains = Domains(("even", "odd"), of=lambda image: ("even", "odd")[int(image.stem[1]) % 2])
    files = dataclasses.replace(devkit, domains=domains)
    keep = {"train_transform": lambda *pair: pair, "eval_transform": lambda *pair: pair}
    kept, mapped = (
        domain_incremental_benchmark(files, progress=False, train_void=void, **keep)  # type: ignore[arg-type]
        for void in ("ignore", "background")
    )
    assert kept.class_names == insects_benchmark(devkit).class_names
    assert kept.train_stream[0].classes_in_this_experience == [0, 1, 2, 3, 4]
    assert kept.train_stream[0].dataset[0][1].tolist() == [[0, 1, 1], [255, 1, 0]]
    assert mapped.train_stream[0].dataset[0][1].tolist() == [[0, 1, 1], [0, 1, 0]]
    assert indices(kept) == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_names_of_domains_by_step(tmp_path: Path) -> None:
    scenario = daytimes_benchmark(tmp_path, task=[["night"], ["day"]])
    assert scenario.domains == (("night",), ("day",))
    assert indices(scenario) == [[8, 9, 10, 11], [0, 1, 2, 3]]
    offline = daytimes_benchmark(tmp_path, task="offline")
    assert indices(offline) == [list(range(12))]
    assert not offline.label_space.is_domain_incremental


def test_clean_split_of_the_pool(tmp_path: Path) -> None:
    scenario = daytimes_benchmark(tmp_path, split="clean", task="1-1", split_seed=3)
    train, test = indices(scenario), indices(scenario, "test")
    assert [len(part) for part in train] == [4, 4, 4] and [len(p) for p in test] == [1, 2, 3]
    assert sorted(i for part in (*train, test[-1]) for i in part) == list(range(15))
    other = daytimes_benchmark(tmp_path, split="clean", task="1-1", split_seed=4)
    assert indices(other, "test")[-1] != test[-1]
    run = daytimes_benchmark(tmp_path, split="clean", task="1-1", split_seed=3, seed=9)
    assert indices(run, "test") == test, "the seed of a run does not choose its tests"
    split = scenario.train_stream[0].data.split
    assert (split.name, [p.parent.name for p in split.images[12:]]) == (
        "train+val", ["day", "dusk", "night"],
    )  # fmt: skip


def test_legacy_split_warns_of_its_tests(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"of the 8 images of the last test were trained on"):
        scenario = daytimes_benchmark(tmp_path, split="legacy", test_fraction=0.5)
    assert [len(part) for part in indices(scenario)] == [5, 2]


def test_valid_stream(tmp_path: Path) -> None:
    scenario = daytimes_benchmark(tmp_path, val_fraction=0.25)
    assert [len(part) for part in indices(scenario, "valid")] == [2, 1]
    assert not set(indices(scenario, "valid")[0]) & set(indices(scenario)[0])


def test_data_sets_of_steps_may_be_joined(tmp_path: Path) -> None:
    first, second = (e.dataset for e in daytimes_benchmark(tmp_path).train_stream)
    assert isinstance(first, AvalancheDataset) and len(first.concat(second)) == 12


def test_cached_images(tmp_path: Path) -> None:
    plain, cached = (
        daytimes_benchmark(tmp_path, split="clean", cache_images=cache) for cache in (False, True)
    )
    for one, other in zip(plain.test_stream[1].dataset, cached.test_stream[1].dataset, strict=True):
        assert one[0].equal(other[0]) and one[1].equal(other[1])


def test_bad_input(tmp_path: Path, devkit: Any) -> None:
    with pytest.raises(ValueError, match="knows no domains; expected a description with domains="):
        domain_incremental_benchmark(devkit, progress=False)
    with pytest.raises(ValueError, match="split='dirty' is unknown; expected one of files, clean"):
        daytimes_benchmark(tmp_path, split="dirty")
    with pytest.raises(ValueError, match="train_void='void' is unknown"):
        daytimes_benchmark(tmp_path, train_void="void")
    with pytest.raises(
        ValueError, match=r"day/0\.png is of the domain 'day'; expected one of dusk"
    ):
        files = write_daytimes(tmp_path)
        known = Domains(("dusk", "night"), of=lambda image: image.parent.name)
        domain_incremental_benchmark(dataclasses.replace(files, domains=known), progress=False)


def test_a_step_without_images(tmp_path: Path) -> None:
    files = write_daytimes(tmp_path, ["day", "dusk"])
    with pytest.raises(ValueError, match=r"step 1 \(night\) has no training image; choose another"):
        domain_incremental_benchmark(files, task="2-1", progress=False)
