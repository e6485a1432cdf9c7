import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from avalanche_seg.models import BiSeNet, load_model, save_model
from tests.models.stored import NAMES, content, grown
from tests.models.tiny import random_images


@pytest.fixture(scope="module")
def model():
    return grown()


@pytest.fixture(scope="module")
def written(model, module_folder):
    path = module_folder / "step2.safetensors"
    save_model(model, path, class_names=NAMES)
    return path


def test_round_trip_is_exact(model, written):
    loaded = load_model(written)
    state = model.state_dict()
    assert list(loaded.state_dict()) == list(state)
    for name, value in loaded.state_dict().items():
        assert value.dtype == state[name].dtype
        assert torch.equal(value, state[name]), name
    assert loaded.classes_per_step == [3, 1, 2]
    assert loaded.class_names == NAMES
    assert loaded.backbone == "resnet18"
    assert not any(module.training for module in loaded.modules())
    images = random_images(50, 70)
    assert torch.equal(loaded.predict(images), model.predict(images))
    with torch.no_grad():
        assert torch.equal(loaded(images).logits, model.eval()(images).logits)


def test_a_loaded_model_learns_on(written):
    loaded = load_model(str(written))
    loaded.grow(2)
    loaded.train()(random_images(32, 32)).logits.sum().backward()
    assert loaded.classes_per_step == [3, 1, 2, 2]
    assert all(parameter.grad is not None for parameter in loaded.head.parameters())


def test_saving_changes_nothing_and_leaves_one_file(written, tmp_path):
    model = grown(seed=1).train().to(memory_format=torch.channels_last)
    path = tmp_path / "model.safetensors"
    save_model(model, path, class_names=NAMES)
    assert model.training
    assert model.network.spatial[0][0].weight.is_contiguous(memory_format=torch.channels_last)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    weight = load_model(path).network.spatial[0][0].weight
    assert torch.equal(weight, model.network.spatial[0][0].weight)


def test_the_path_may_be_text(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(model, str(path), class_names=NAMES)
    assert load_model(str(path)).class_names == NAMES


def test_any_reader_sees_steps_and_names(written):
    description = json.loads(content(written)[1]["avalanche_seg"])
    assert description.pop("format") == 2
    assert len(description.pop("digest")) == 64
    assert description == {
        "name": "bisenet",
        "config": {
            "backbone": "resnet18",
            "head": "1x1",
            "n_extra": 0,
            "background": "shared",
            "taps": ["head"],
        },
        "classes_per_step": [3, 1, 2],
        "class_names": list(NAMES),
        "class_ids": [],
    }


def test_that_class_0_is_no_background_is_kept(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(grown(), path, class_names=NAMES, has_background=False)
    model = load_model(path)
    assert not model.has_background
    save_model(model, path)
    assert not load_model(path).has_background


def test_equal_models_give_equal_files(written, tmp_path):
    save_model(grown(), tmp_path / "again.safetensors", class_names=NAMES)
    assert (tmp_path / "again.safetensors").read_bytes() == written.read_bytes()


def test_an_interrupted_write_leaves_the_old_file(written, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(written.read_bytes())

    def interrupted(target, content):
        with target.open("wb") as file:
            file.write(content[:10])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(OSError, match=r"model\.safetensors cannot be written \(disk full\)"):
        save_model(grown(seed=5), path, class_names=NAMES)
    assert path.read_bytes() == written.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_names_and_ids_default_to_the_models_own(tmp_path):
    model = grown()
    model.class_names, model.class_ids = NAMES, (0, 8, 2, 18, 20, 19)
    save_model(model, tmp_path / "first.safetensors")
    loaded = load_model(tmp_path / "first.safetensors")
    assert (loaded.class_names, loaded.class_ids) == (NAMES, (0, 8, 2, 18, 20, 19))
    save_model(loaded, tmp_path / "again.safetensors", class_names=NAMES[::-1], class_ids=())
    again = load_model(tmp_path / "again.safetensors")
    assert (again.class_names, again.class_ids) == (NAMES[::-1], ())
    assert loaded.class_names == NAMES


def test_extra_channels_survive_a_file(tmp_path):
    torch.manual_seed(0)
    model = BiSeNet(
        "resnet18", head="3x3", n_extra=1, background="none", classes_per_step=(3, 1, 2)
    )
    save_model(model, tmp_path / "model.safetensors", class_names=NAMES)
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.config == model.config
    assert (loaded.n_classes, loaded.n_channels, loaded.head.groups) == (6, 6, model.head.groups)
    images = random_images(50, 70)
    assert torch.equal(loaded.predict(images), model.predict(images))


def test_loading_draws_no_random_numbers(written):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_model(written)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_the_umask_decides_who_may_read(model, tmp_path, umask):
    before = os.umask(umask)
    try:
        for _ in range(2):  # A new file, and one in the place of an old one.
            save_model(model, tmp_path / "model.safetensors", class_names=NAMES)
            assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


def test_a_file_of_before_there_were_digests_is_read(written, tmp_path):
    state, metadata = content(written)
    description = json.loads(metadata["avalanche_seg"])
    del description["digest"]
    path = tmp_path / "old.safetensors"
    save_file(state, path, metadata={"avalanche_seg": json.dumps(description)})
    assert load_model(path).class_names == NAMES
