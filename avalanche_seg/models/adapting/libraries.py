"""Networks of torchvision, segmentation_models_pytorch, timm and transformers."""

import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from avalanche_seg.models.adapting.taps import put
from avalanche_seg.models.first_convolution import first_convolution

__all__ = ["LIBRARIES", "RGB", "Built", "Library"]

RGB = 3


class Built(NamedTuple):
    """A network of a library.

    Attributes:
        network: with random weights; a backbone's may be those of ImageNet.
        arguments: plain values that build it again, without weights.
        body: path of its backbone.
        aux: paths of its auxiliary classifiers.
        multiple_of: that the sides of images must be of.
        loaded: whether it has the weights of a path already.
    """

    network: nn.Module
    arguments: dict[str, Any]
    body: str
    aux: Sequence[str] = ()
    multiple_of: int = 1
    loaded: bool = False


class Library(NamedTuple):
    """A library of networks.

    Attributes:
        package: that is imported.
        extra: of this package that installs it.
        names: how its networks are named here, for messages.
        channels: its constructors' argument for the number of image channels.
        build: ``(name, weights, arguments) -> Built``; of the weights it loads "imagenet" and what
            only the library can read.
    """

    package: str
    extra: str
    names: str
    channels: str
    build: Callable[[str, str | Path | None, dict[str, Any]], Built]


def _check_known(name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        nearest = get_close_matches(name, names, n=8, cutoff=0.0) if len(names) > 20 else names
        several = "the nearest are" if len(names) > 20 else "expected one of"
        raise ValueError(f"{name!r} is unknown; {several} {', '.join(nearest)}")


def _check_arguments(given: Iterable[str], known: Sequence[str]) -> None:
    unknown = sorted(set(given).difference(known))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no argument; expected some of {', '.join(known)}")


def _torchvision(name: str, weights: str | Path | None, arguments: dict[str, Any]) -> Built:
    models = importlib.import_module("torchvision.models")
    _check_known(name, models.list_models(module=models.segmentation))
    in_channels = arguments.pop("in_channels", RGB)  # Which torchvision does not take.
    # Further keywords would be ignored without a word.
    parameters = inspect.signature(models.get_model_builder(name)).parameters.values()
    _check_arguments(arguments, [p.name for p in parameters if p.kind is not p.VAR_KEYWORD])
    backbone = "DEFAULT" if weights == "imagenet" else None
    network = models.get_model(name, weights=None, weights_backbone=backbone, **arguments)
    if in_channels != RGB:
        path, first = next(
            (path, module)
            for path, module in network.backbone.named_modules()
            if isinstance(module, nn.Conv2d)
        )
        own = first_convolution(first, in_channels, pretrained=backbone is not None)
        put(network.backbone, path, own)
    aux = getattr(network, "aux_classifier", None)
    return Built(
        network, arguments, "backbone", () if aux is None else (f"aux_classifier.{len(aux) - 1}",)
    )


def _smp(name: str, weights: str | Path | None, arguments: dict[str, Any]) -> Built:
    smp = importlib.import_module("segmentation_models_pytorch")
    known = {kind.__name__: kind for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    architecture, _, encoder = name.partition("/")
    encoder = encoder or "resnet34"
    _check_known(architecture, known)
    if not encoder.startswith("tu-"):  # A backbone of timm.
        _check_known(encoder, smp.encoders.get_encoder_names())
    network = known[architecture](
        encoder_name=encoder,
        encoder_weights="imagenet" if weights == "imagenet" else None,
        **arguments,
    )
    needs = getattr(network, "requires_divisible_input_shape", True)
    stride = network.encoder.output_stride if needs else 1
    return Built(network, arguments, "encoder", multiple_of=stride)


class PlainClassifier(nn.Module):
    """A backbone of timm under one 1x1 convolution on its last feature map."""

    def __init__(self, backbone: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """B x 3 x H x W -> logits at the stride of the last map."""
        features: Tensor = self.backbone(images)[-1]
        if features.shape[-1] == self.classifier.in_channels != features.shape[1]:
            features = features.movedim(-1, 1)  # Such as Swin's.
        logits: Tensor = self.classifier(features)
        return logits


def _timm(name: str, weights: str | Path | None, arguments: dict[str, Any]) -> Built:
    timm = importlib.import_module("timm")
    _check_known(name, timm.list_models())
    given = {key: value for key, value in arguments.items() if key != "classes"}
    pretrained = weights == "imagenet"
    backbone = timm.create_model(name, pretrained=pretrained, features_only=True, **given)
    maps = backbone.feature_info
    network = PlainClassifier(backbone, maps.channels()[-1], arguments.get("classes", 2))
    return Built(network, arguments, "backbone", multiple_of=maps.reduction()[-1])


# What a configuration holds that makes no difference to the network.
_NO_ARGUMENTS = frozenset(
    ("transformers_version", "model_type", "architectures", "dtype", "id2label", "label2id")
)


def _hf(name: str, weights: str | Path | None, arguments: dict[str, Any]) -> Built:
    transformers = importlib.import_module("transformers")
    _check_known(name, ["segformer"])
    if weights == "imagenet":
        raise ValueError(
            "weights='imagenet' would have to be downloaded; pass the path of a folder or state "
            "dict, or None (--no_pretrained)"
        )
    kind = transformers.SegformerConfig
    known = [key for key in kind().to_diff_dict() if key not in _NO_ARGUMENTS]
    _check_arguments(arguments, ["num_labels", *known])
    folder = None if weights is None else Path(weights)
    if folder is None or not (folder / "config.json").is_file():
        network = transformers.SegformerForSemanticSegmentation(kind(**arguments))
        return Built(network, arguments, "segformer")
    # Names in its files are not those of its modules.
    config = kind.from_pretrained(folder, local_files_only=True, **arguments)
    network = transformers.SegformerForSemanticSegmentation.from_pretrained(
        folder, config=config, local_files_only=True
    )
    told = {k: value for k, value in config.to_diff_dict().items() if k not in _NO_ARGUMENTS}
    arguments = {**told, "num_labels": config.num_labels, **arguments}
    return Built(network, arguments, "segformer", loaded=True)


LIBRARIES: dict[str, Library] = {
    "torchvision": Library(
        "torchvision", "", "torchvision:fcn_resnet50", "in_channels", _torchvision
    ),
    "smp": Library("segmentation_models_pytorch", "smp", "smp:Unet/resnet34", "in_channels", _smp),
    "timm": Library("timm", "timm", "timm:resnet18d", "in_chans", _timm),
    "hf": Library("transformers", "transformers", "hf:segformer", "num_channels", _hf),
}
"""Libraries by the prefix of their networks' names."""
