"""Weights of other libraries' networks from the user's disk."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from avalanche_seg.models.adapting.pretrained import load_pretrained
from avalanche_seg.models.weights import check_shapes, read_weights


def network(width=4):
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))
    return nn.ModuleDict({"body": body, "head": nn.Conv2d(width, 2, 1)})


def test_both_kinds_of_files_and_folders_are_read(tmp_path):
    state = network().state_dict()
    torch.save(state, tmp_path / "w.pt")
    save_file(state, tmp_path / "model.safetensors")
    for path in (tmp_path / "w.pt", tmp_path / "model.safetensors"):
        assert read_weights(path, "weights").keys() == state.keys()
    other = network()
    nn.init.zeros_(other["head"].weight)
    load_pretrained(other, tmp_path, body="body")
    assert all(value.equal(state[name]) for name, value in other.state_dict().items())


def test_what_is_missing_is_warned_of(tmp_path):
    state = {k: v for k, v in network().state_dict().items() if not k.startswith("head")}
    del state["body.1.num_batches_tracked"]
    torch.save(state, tmp_path / "w.pt")
    with pytest.warns(UserWarning, match=r"lacks 2 of 9 weights of ModuleDict.*is 'head.weight'"):
        load_pretrained(network(), tmp_path / "w.pt", body="body")


def test_other_shapes_are_counted_and_the_first_is_named(tmp_path):
    torch.save(network(5).state_dict(), tmp_path / "w.pt")
    told = r"w\.pt: 7 of 9 weights have another shape, the first is 'body.0.weight': \(5, 3, 3, 3\)"
    with pytest.raises(ValueError, match=told):
        load_pretrained(network(), tmp_path / "w.pt", body="body")
    check_shapes({}, {}, "nothing")


def test_other_names_are_told(tmp_path):
    torch.save({"x": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"such as 'body.0.weight', but 'x'"):
        load_pretrained(network(), tmp_path / "w.pt", body="body")


def test_what_is_no_file_or_no_state_dict_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"is no file, nor a folder with model.safetensors or"):
        load_pretrained(network(), tmp_path, body="body")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="holds a list; expected a state dict"):
        load_pretrained(network(), tmp_path / "list.pt", body="body")
    (tmp_path / "text.pt").write_text("x")
    with pytest.raises(ValueError, match="cannot be read as a state dict"):
        load_pretrained(network(), tmp_path / "text.pt", body="body")
