import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from avalanche_seg.models import BiSeNet, load_model, save_model
from tests.models.stored import NAMES, content, grown


@pytest.fixture(scope="module")
def model():
    return grown()


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("storage") / "step2.safetensors"
    save_model(model, path, class_names=NAMES)
    return path


@pytest.mark.parametrize("names", [NAMES[:-1], (*NAMES, "more"), ()])
def test_one_name_per_class(model, tmp_path, names):
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


def test_a_model_that_grew_needs_names_for_its_new_classes(written, tmp_path):
    loaded = load_model(written)
    loaded.grow(1)
    with pytest.raises(ValueError, match=r"got 6 class names for a model of 7 .*pass class_names"):
        save_model(loaded, tmp_path / "model.safetensors")


@pytest.mark.parametrize("ids", [(0,), range(7)])
def test_one_id_per_class(model, tmp_path, ids):
    with pytest.raises(ValueError, match=f"got {len(ids)} class ids for a model of 6 classes"):
        save_model(model, tmp_path / "model.safetensors", class_names=NAMES, class_ids=ids)
    assert list(tmp_path.iterdir()) == []


class Smaller(BiSeNet):
    """A class that nobody added to MODELS."""


def test_a_class_that_could_not_be_read_again_is_not_written(tmp_path):
    with torch.device("meta"):
        model = Smaller(classes_per_step=(6,))
    with pytest.raises(ValueError, match=r"Smaller is no known model.*MODELS\['name'\] = Smaller"):
        save_model(model, tmp_path / "model.safetensors", class_names=NAMES)
    assert list(tmp_path.iterdir()) == []


def test_a_config_of_more_than_plain_values_is_not_written(tmp_path):
    model = grown()
    model.config["weights"] = tmp_path
    with pytest.raises(ValueError, match=r"config of BiSeNet .*Path.*expected plain values"):
        save_model(model, tmp_path / "model.safetensors", class_names=NAMES)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "unet"}, "model 'unet' is unknown; expected one of bisenet"),
        ({"config": {"depth": 3}}, "'depth'; its arguments are backbone"),
        ({"config": {"backbone": "vgg16"}}, "backbone='vgg16' is unknown"),
    ],
    ids=["name", "argument", "value"],
)
def test_a_file_of_a_model_that_is_not_known_here(written, tmp_path, change, reason):
    state, metadata = content(written)
    description = json.loads(metadata["avalanche_seg"]) | change
    path = tmp_path / "newer.safetensors"
    save_file(state, path, metadata={"avalanche_seg": json.dumps(description)})
    with pytest.raises(ValueError, match=rf"newer\.safetensors does not describe .*{reason}"):
        load_model(path)


@pytest.mark.parametrize("place", [0.5, 0.9, 0.9999])
@pytest.mark.parametrize("bit", [1, 64])
def test_a_flipped_bit_among_the_weights_is_found(written, tmp_path, place, bit):
    damaged = bytearray(written.read_bytes())
    damaged[int(place * len(damaged))] ^= bit
    path = tmp_path / "flipped.safetensors"
    path.write_bytes(damaged)
    with pytest.raises(
        ValueError, match=r"flipped\.safetensors is damaged: .*train the step again"
    ):
        load_model(path)


@pytest.mark.parametrize(
    "change", [{"class_names": NAMES[::-1]}, {"class_ids": [5, 4, 3, 2, 1, 0]}], ids=str
)
def test_a_changed_description_is_found(written, tmp_path, change):
    state, metadata = content(written)
    description = json.loads(metadata["avalanche_seg"]) | change
    path = tmp_path / "changed.safetensors"
    save_file(state, path, metadata={"avalanche_seg": json.dumps(description)})
    with pytest.raises(ValueError, match=r"changed\.safetensors is damaged"):
        load_model(path)


def test_a_class_name_given_twice(model, tmp_path):
    names = ("background", "cat", "dog", "cat", "cow", "dog")
    with pytest.raises(ValueError, match="the class name 'cat' stands 2 times among class_names"):
        save_model(model, tmp_path / "model.safetensors", class_names=names)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path):
    """The system refuses to let the file grow, as a full disk does."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from avalanche_seg.models import save_model\n"
        "from tests.models.stored import NAMES, grown\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    save_model(grown(), Path(sys.argv[1]), class_names=NAMES)\n"
        "except OSError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    path = tmp_path / "model.safetensors"
    command = [sys.executable, "-W", "ignore", "-c", script, str(path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert f"refused: {path} cannot be written" in done.stderr
    assert "is the disk full?" in done.stderr and not list(tmp_path.iterdir())


def test_a_file_that_may_not_be_read(written, monkeypatch):
    def refuse(self, mode="r"):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError, match=r"safetensors cannot be read .*Permission denied"):
        load_model(written)
