import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from avalanche_seg.models import BiSeNet, load_model, save_model, storage
from tests.models.tiny import random_images

NAMES = ("background", "cat", "dög", "sofa", "tv/monitor", "train")


def grown(seed=0):
    """A model after three steps, with moved norms."""
    torch.manual_seed(seed)
    model = BiSeNet("resnet18")
    for n_new in (3, 1, 2):
        model.grow(n_new)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model


@pytest.fixture(scope="module")
def model():
    return grown()


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("storage") / "step2.safetensors"
    save_model(model, path, class_names=NAMES)
    return path


def content(path):
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


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


def test_equal_models_give_equal_files(written, tmp_path):
    save_model(grown(), tmp_path / "again.safetensors", class_names=NAMES)
    assert (tmp_path / "again.safetensors").read_bytes() == written.read_bytes()


@pytest.mark.parametrize("names", [NAMES[:-1], (*NAMES, "more"), ()])
def test_one_name_a_channel(model, tmp_path, names):
    with pytest.raises(ValueError, match=f"got {len(names)} class names for a model of 6 classes"):
        save_model(model, tmp_path / "model.safetensors", class_names=names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing.safetensors", "."])
def test_a_missing_file(tmp_path, name):
    with pytest.raises(ValueError, match="is no file; expected a model written by save_model"):
        load_model(tmp_path / name)


@pytest.mark.parametrize("keep", [0, 4, 1000, -1], ids=["empty", "4 bytes", "header", "cut short"])
def test_a_damaged_file(written, tmp_path, keep):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(written.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"damaged\.safetensors is damaged or no safetensors file"):
        load_model(path)


@pytest.mark.parametrize(
    "metadata", [None, {"format": "pt"}, {"avalanche_seg": '{"format": 1}'}], ids=str
)
def test_a_foreign_file(tmp_path, metadata):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(
        ValueError,
        match=r"foreign\.safetensors does not describe .*expected a file written by save_model",
    ):
        load_model(path)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]"])
def test_a_description_that_cannot_be_read(tmp_path, text):
    path = tmp_path / "odd.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"avalanche_seg": text})
    with pytest.raises(ValueError, match=r"odd\.safetensors"):
        load_model(path)


@pytest.mark.parametrize(
    "missing", ["name", "config", "classes_per_step", "class_names", "class_ids"]
)
def test_a_description_with_a_part_missing(written, tmp_path, missing):
    state, metadata = content(written)
    description = json.loads(metadata["avalanche_seg"])
    del description[missing]
    path = tmp_path / "partial.safetensors"
    save_file(state, path, metadata={"avalanche_seg": json.dumps(description)})
    with pytest.raises(ValueError, match=r"partial\.safetensors"):
        load_model(path)


def test_a_missing_tensor(written, tmp_path):
    state, metadata = content(written)
    del state["head.classifiers.0.bias"]
    path = tmp_path / "partial.safetensors"
    save_file(state, path, metadata=metadata)
    with pytest.raises(ValueError, match=r"(?s)partial\.safetensors.*head\.classifiers\.0\.bias"):
        load_model(path)


def test_an_interrupted_write_leaves_the_old_file(written, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(written.read_bytes())

    def interrupted(state, target, metadata):
        target.write_bytes(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(storage, "save_file", interrupted)
    with pytest.raises(OSError, match="disk full"):
        save_model(grown(seed=5), path, class_names=NAMES)
    assert path.read_bytes() == written.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
