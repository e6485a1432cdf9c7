"""A model of any step in one safetensors file that needs nothing else to be rebuilt."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from avalanche_seg.models.adapting import AdaptedModel, as_incremental
from avalanche_seg.models.create import create_model, name_of
from avalanche_seg.models.segmentation_model import SegmentationModel
from avalanche_seg.models.weights import check_shapes
from avalanche_seg.system import atomic_write

__all__ = ["load_model", "save_model"]

_KEY = "avalanche_seg"
_FORMAT = 2


def save_model(
    model: SegmentationModel,
    path: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    class_ids: Sequence[int] | None = None,
    has_background: bool | None = None,
) -> None:
    """Write weights, name, config, steps and classes; the old file stays until all is written.

    Args:
        model: the model after some step, of a class in :data:`MODELS`.
        path: the file to write.
        class_names: the name of every class the model knows; None: its own ``class_names``.
        class_ids: the number of every class in its data set; None: its own ``class_ids``, which
            may be empty (unknown).
        has_background: whether class 0 is the background; None: its own ``has_background``.

    Raises:
        ValueError: when the number of names or ids is not the number of classes, a name is given
            twice, the class is not in :data:`MODELS`, or its config holds more than plain values.
        OSError: when the file cannot be written; an old one is still there.

    Example:
        >>> from avalanche_seg.models import BiSeNet
        >>> folder = getfixture("tmp_path")
        >>> model = BiSeNet("resnet18", classes_per_step=(2,))
        >>> save_model(model, folder / "step0.safetensors", class_names=("background", "cat"))
        >>> load_model(folder / "step0.safetensors").class_names
        ('background', 'cat')
    """
    names = model.class_names if class_names is None else class_names
    ids = model.class_ids if class_ids is None else class_ids
    if len(names) != model.n_classes:
        raise ValueError(
            f"got {len(names)} class names for a model of {model.n_classes} classes; expected one "
            "for each: pass class_names"
        )
    twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if twice:
        raise ValueError(
            f"the class name {twice[0]!r} stands {list(names).count(twice[0])} times among "
            "class_names; expected one of its own for each class: rename all but one"
        )
    if len(ids) not in {0, model.n_classes}:
        raise ValueError(
            f"got {len(ids)} class ids for a model of {model.n_classes} classes; expected one for "
            "each: pass class_ids, or () when there are none"
        )
    description = {
        "format": _FORMAT,
        "name": name_of(model),
        "config": model.config,
        "classes_per_step": model.classes_per_step,
        "class_names": list(names),
        "class_ids": [int(number) for number in ids],
    }
    if not (model.has_background if has_background is None else has_background):
        description["has_background"] = False
    state = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    try:
        description["digest"] = _digest(description, state)
        # One entry: safetensors writes several in no fixed order, and equal models are to give
        # equal files.
        metadata = {_KEY: json.dumps(description)}
    except TypeError as error:
        raise ValueError(
            f"config of {type(model).__name__} cannot be written ({error}); expected plain values: "
            "numbers, text, lists and dicts of them"
        ) from error
    try:
        with atomic_write(Path(path)) as temporary:
            # safetensors' own writing leaves files to their owner alone, whatever the umask.
            temporary.write_bytes(save(state, metadata=metadata))
    except OSError as error:
        raise OSError(f"{path} cannot be written ({error}); is the disk full?") from error


def _digest(description: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of everything in a file but the digest itself.

    Raises:
        TypeError: when the description holds more than plain values.
    """
    told = {name: value for name, value in description.items() if name != "digest"}
    told = json.loads(json.dumps(told))  # As it is read back: keys are text, tuples are lists.
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(state):
        tensor = state[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_model(
    path: str | Path,
    *,
    network: nn.Module | None = None,
    device: str | torch.device = "cpu",
) -> SegmentationModel:
    """Rebuild a model from its file alone, in evaluation mode; random generators stay as they are.

    Args:
        path: a file written by :func:`save_model`.
        network: of a model that :func:`as_incremental` made, a network as it was given there; its
            weights do not matter.
        device: where to put the model.

    Returns:
        the model, with ``class_names`` (a tuple, one name per class), ``class_ids`` (the same, or
        empty) and ``has_background``.

    Raises:
        ValueError: when the file is missing, damaged or was not written by this package; when the
            library of its network is not installed; when a network is needed and not given, is
            given and not needed, or is another one.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is no file; expected a model written by save_model")
    try:
        with path.open("rb"):  # safetensors says of one that may not be read that it is not there.
            pass
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error}); expected a readable model") from error
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error})") from error
    name = ""
    try:
        description = json.loads(metadata[_KEY])
        if description["format"] != _FORMAT:
            raise ValueError(f"format {description['format']!r}, not {_FORMAT!r}")
        with torch.random.fork_rng(devices=[]):  # The weights drawn here are replaced at once.
            name = description["name"]
            model = _rebuilt(name, description["config"], network)
            for n_new in description["classes_per_step"]:
                model.grow(n_new)
        check_shapes(model.state_dict(), state, "weights")
        model.load_state_dict(state)
        model.class_names = tuple(description["class_names"])
        model.class_ids = tuple(description["class_ids"])
        model.has_background = bool(description.get("has_background", True))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        if network is not None or name == AdaptedModel.name or ":" in str(name):
            raise ValueError(f"{path}: {reason}") from error  # What it needs is not in the file.
        raise ValueError(
            f"{path} does not describe a model of this package ({type(error).__name__}: {reason}); "
            "expected a file written by save_model"
        ) from error
    # Files of earlier versions have no digest.
    if "digest" in description and description["digest"] != _digest(description, state):
        raise ValueError(
            f"{path} is damaged: its content is not what its digest was made of; take another "
            "copy, or train the step again"
        )
    return model.to(device).eval()


def _rebuilt(name: str, config: Mapping[str, Any], network: nn.Module | None) -> SegmentationModel:
    """A model without steps, from its name and config, or around a network of the user's."""
    if name != AdaptedModel.name:
        if network is not None:
            raise ValueError(f"it holds a {name}, which needs no network; leave network= out")
        return create_model(name, **config)
    if network is None:
        raise ValueError(
            f"it holds a {config['network']} that as_incremental adapted, which only you can make "
            "again; load it in Python, load_model(path, network=...)"
        )
    return as_incremental(network, **{k: v for k, v in config.items() if k != "network"})
