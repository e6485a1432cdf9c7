"""Models by name."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from avalanche_seg.models.adapting import AdaptedModel, library_model, library_names
from avalanche_seg.models.bisenet import BiSeNet
from avalanche_seg.models.deeplabv3 import DeepLabV3
from avalanche_seg.models.segmentation_model import SegmentationModel

__all__ = ["MODELS", "create_model", "known_models", "model_factory", "name_of"]

MODELS: dict[str, Callable[..., SegmentationModel]] = {"bisenet": BiSeNet, "deeplabv3": DeepLabV3}
"""Known models: classes, whose models can be saved, or functions that make one."""


def known_models() -> list[str]:
    """The names of :data:`MODELS`, then an example of each library's names.

    Example:
        >>> known_models()[:3]
        ['bisenet', 'deeplabv3', 'torchvision:fcn_resnet50']
    """
    return [*MODELS, *library_names()]


def model_factory(name: str) -> Callable[..., SegmentationModel]:
    """What makes a model of this name from its arguments.

    Args:
        name: of :data:`MODELS`, or of another library (see
            :func:`~avalanche_seg.models.adapting.library_model`), which is not imported yet.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> model_factory("bisenet") is BiSeNet
        True
    """
    if name in MODELS:
        return MODELS[name]
    prefixes = [known.partition(":")[0] for known in library_names()]
    if name.partition(":")[0] not in prefixes or ":" not in name:
        raise ValueError(
            f"model {name!r} is unknown; expected one of {', '.join(MODELS)}, or of a library, "
            f"such as {', '.join(library_names())}"
        )
    return partial(library_model, name)


def create_model(name: str, **config: Any) -> SegmentationModel:
    """Make a model by its name.

    Args:
        name: of :data:`MODELS`, or of another library, such as "smp:Unet/resnet34" (see
            :func:`~avalanche_seg.models.adapting.library_model`).
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
    factory = model_factory(name)
    signature = inspect.signature(factory)
    try:
        signature.bind(**config)
    except TypeError as error:
        raise ValueError(
            f"model {name!r}: {error}; its arguments are {', '.join(signature.parameters)}"
        ) from error
    return factory(**config)


def name_of(model: SegmentationModel) -> str:
    """The name under which a model is known, and rebuilt from its file.

    Returns:
        of :data:`MODELS`, of a library, or "as_incremental".

    Raises:
        ValueError: for a class that is not in :data:`MODELS`.

    Example:
        >>> name_of(BiSeNet())
        'bisenet'
    """
    if isinstance(model, AdaptedModel):
        return model.name
    for name, factory in MODELS.items():
        if factory is type(model):
            return name
    kind = type(model).__name__
    raise ValueError(
        f"{kind} is no known model ({', '.join(MODELS)}), so its file could not be read again; add "
        f"it once, MODELS['name'] = {kind}, with its constructor's arguments in config"
    )
