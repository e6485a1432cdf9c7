"""A network of another library, by its name."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avalanche_seg.models.adapting.adapter import OWN, AdaptedModel, as_incremental
from avalanche_seg.models.adapting.libraries import LIBRARIES, RGB, Built
from avalanche_seg.models.adapting.pretrained import load_pretrained
from avalanche_seg.models.channels import BackgroundChannel
from avalanche_seg.system import check_whole

__all__ = ["library_model", "library_names"]


def library_names() -> list[str]:
    """How networks of other libraries are named, an example of each library.

    Example:
        >>> library_names()[0]
        'torchvision:fcn_resnet50'
    """
    return [library.names for library in LIBRARIES.values()]


def library_model(
    name: str,
    *,
    weights: str | Path | None = None,
    keep_classifier: bool = False,
    taps: Mapping[str, str] | None = None,
    head: str = OWN,
    n_extra: int = 0,
    background: BackgroundChannel = "shared",
    in_channels: int = 3,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    value_range: Sequence[float] | None = None,
    classes_per_step: Sequence[int] | None = None,
    **arguments: Any,
) -> AdaptedModel:
    """A segmentation network of another library with incremental heads.

    - ``torchvision:NAME``: of ``torchvision.models.segmentation``; ``aux_loss=True`` trains its
      auxiliary classifier too.
    - ``smp:ARCHITECTURE/ENCODER``: of segmentation_models_pytorch, ``resnet34`` unless given.
    - ``timm:NAME``: a backbone of timm under one 1x1 convolution on its last feature map (take
      ``output_stride=8`` or 16 where it has it).
    - ``hf:segformer``: SegFormer of transformers, B0 unless arguments of its configuration say
      otherwise.

    Args:
        name: prefix and name.
        weights: None (random), "imagenet" (the backbone's, as the library gets them: from its
            cache, else downloaded), or the path of a state dict of the network or its backbone; of
            ``hf:segformer`` also a folder, with its configuration.
        keep_classifier: start with the classes and the classifier of the weights as step 0; the
            library's argument for the number of classes must be theirs.
        taps: as in :func:`as_incremental`.
        head: as in :func:`as_incremental`.
        n_extra: as in :func:`as_incremental`.
        background: as in :func:`as_incremental`.
        in_channels: of the images; the network is made for so many.
        mean: as in :func:`as_incremental`.
        std: as in :func:`as_incremental`.
        value_range: as in :func:`as_incremental`.
        classes_per_step: as in :func:`as_incremental`.
        arguments: of the library's constructor, plain values.

    Raises:
        ValueError: for an unknown name or argument, a library that is not installed, or weights
            that do not fit.

    Example:
        >>> model = library_model("torchvision:lraspp_mobilenet_v3_large", classes_per_step=(3, 2))
        >>> model.n_classes, model.config["head"]
        (5, 'own')
    """
    check_whole("in_channels", in_channels, least=1)
    built = _built(name, weights, arguments, in_channels)
    path = None if weights in (None, "imagenet") or built.loaded else Path(str(weights))
    if path is not None and keep_classifier:
        load_pretrained(built.network, path, body=built.body)
    model = as_incremental(
        built.network,
        aux=built.aux,
        taps=taps,
        multiple_of=built.multiple_of,
        keep_classifier=keep_classifier,
        body=built.body,
        head=head,
        n_extra=n_extra,
        background=background,
        in_channels=in_channels,
        mean=mean,
        std=std,
        value_range=value_range,
        classes_per_step=classes_per_step,
    )
    if path is not None and not keep_classifier:  # The classifier, of other classes, is out now.
        load_pretrained(model.get_submodule("network.adapted"), path, body=built.body)
    model.name = name
    options = {"taps": dict(taps or {}), "head": head, "n_extra": n_extra, "background": background}
    model.config = {**built.arguments, **options, **model.normalization.config}
    return model


def _built(
    name: str, weights: str | Path | None, arguments: dict[str, Any], in_channels: int
) -> Built:
    prefix, _, own_name = name.partition(":")
    if prefix not in LIBRARIES:
        raise ValueError(
            f"model {name!r} is unknown; expected one such as {', '.join(library_names())}"
        )
    library = LIBRARIES[prefix]
    try:
        importlib.import_module(library.package)
    except ImportError as error:
        raise ValueError(
            f"model {name!r} needs {library.package}, which cannot be imported ({error}); install "
            f"it: pip install 'avalanche-seg[{library.extra}]'"
        ) from error
    channels = {} if in_channels == RGB else {library.channels: in_channels}
    try:
        built = library.build(own_name, weights, {**arguments, **channels})
    except Exception as error:  # Each library has its own exceptions for what it does not know.
        download = weights == "imagenet" and not isinstance(
            error, ValueError | TypeError | KeyError
        )
        remedy = (
            "; connect once, pass the path of a state dict, or train from scratch with "
            "weights=None (--no_pretrained)"
        )
        raise ValueError(
            f"model {name!r}: {' '.join(str(error).split())}{remedy if download else ''}"
        ) from error
    # The model's own argument tells the channels.
    plain = {key: value for key, value in built.arguments.items() if key not in channels}
    return built._replace(arguments=plain)
