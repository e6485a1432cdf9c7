"""Models by name."""

import inspect
from collections.abc import Callable
from typing import Any

from avalanche_seg.models.bisenet import BiSeNet
from avalanche_seg.models.deeplabv3 import DeepLabV3
from avalanche_seg.models.segmentation_model import SegmentationModel

__all__ = ["MODELS", "create_model", "name_of"]

MODELS: dict[str, Callable[..., SegmentationModel]] = {"bisenet": BiSeNet, "deeplabv3": DeepLabV3}
"""Known models: classes, whose models can be saved, or functions that make one."""


def create_model(name: str, **config: Any) -> SegmentationModel:
    """Make a model by its name.

    Args:
        name: of :data:`MODELS`.
        config: arguments of the model, such as ``backbone``, ``head`` or ``classes_per_step``.

    Returns:
        the model; empty unless ``classes_per_step`` is given.

    Raises:
        ValueError: for an unknown name, or an argument that the model does not have, lacks or
            refuses.

    Example:
        >>> model = create_model("bisenet", backbone="resnet18", classes_per_step=(16, 5))
        >>> model.n_classes, model.config["backbone"]
        (21, 'resnet18')
    """
    if name not in MODELS:
        raise ValueError(f"model {name!r} is unknown; expected one of {', '.join(MODELS)}")
    signature = inspect.signature(MODELS[name])
    try:
        signature.bind(**config)
    except TypeError as error:
        raise ValueError(
            f"model {name!r}: {error}; its arguments are {', '.join(signature.parameters)}"
        ) from error
    return MODELS[name](**config)


def name_of(model: SegmentationModel) -> str:
    """The name under which a model's class is known.

    Raises:
        ValueError: for a class that is not in :data:`MODELS`.

    Example:
        >>> name_of(BiSeNet())
        'bisenet'
    """
    for name, factory in MODELS.items():
        if factory is type(model):
            return name
    kind = type(model).__name__
    raise ValueError(
        f"{kind} is no known model ({', '.join(MODELS)}), so its file could not be read again; add "
        f"it once, MODELS['name'] = {kind}, with its constructor's arguments in config"
    )
