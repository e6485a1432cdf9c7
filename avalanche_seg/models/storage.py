"""A model of any step in one safetensors file that needs nothing else to be rebuilt."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from avalanche_seg.models.bisenet import BiSeNet
from avalanche_seg.system import atomic_write

__all__ = ["load_model", "save_model"]

_KEY = "avalanche_seg"
_FORMAT = 1


def save_model(model: BiSeNet, path: str | Path, *, class_names: Sequence[str]) -> None:
    """Write weights, architecture, steps and class names; the old file stays until all is written.

    Args:
        model: the model after some step.
        path: the file to write.
        class_names: the name of every channel the model has.

    Raises:
        ValueError: when the number of names is not the number of channels.
    """
    if len(class_names) != model.n_classes:
        raise ValueError(
            f"got {len(class_names)} class names for a model of {model.n_classes} channels; "
            "expected one a channel"
        )
    path = Path(path)
    description = {
        "format": _FORMAT,
        "architecture": type(model).__name__,
        "backbone": model.backbone,
        "classes_per_step": model.classes_per_step,
        "class_names": list(class_names),
    }
    # One entry: safetensors writes several in no fixed order, and equal models give equal files.
    metadata = {_KEY: json.dumps(description)}
    state = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    with atomic_write(path) as temporary:
        save_file(state, temporary, metadata=metadata)


def load_model(path: str | Path, *, device: str | torch.device = "cpu") -> BiSeNet:
    """Rebuild a model from its file alone, in evaluation mode.

    Args:
        path: a file written by :func:`save_model`.
        device: where to put the model.

    Returns:
        the model, with the attribute ``class_names`` (a tuple, one name a channel).

    Raises:
        ValueError: when the file is missing, damaged or was not written by this package.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is no file; expected a model written by save_model")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error})") from error
    try:
        description = json.loads(metadata[_KEY])
        if description["format"] != _FORMAT:
            raise ValueError(f"format {description['format']!r}, not {_FORMAT!r}")
        if description["architecture"] != BiSeNet.__name__:
            raise ValueError(f"architecture {description['architecture']!r}, not BiSeNet")
        with torch.random.fork_rng(devices=[]):  # The weights drawn here are replaced at once.
            model = BiSeNet(description["backbone"])
            for n_new in description["classes_per_step"]:
                model.grow(n_new)
        model.load_state_dict(state)
        model.class_names = tuple(description["class_names"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path} does not describe a model of this package ({type(error).__name__}: {reason}); "
            "expected a file written by save_model"
        ) from error
    return model.to(device).eval()
