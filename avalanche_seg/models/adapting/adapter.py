"""Any segmentation network as an incremental learner."""

import copy
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from avalanche_seg.models.adapting.checks import (
    check_exact,
    freeze_unused,
    tapped_maps,
)
from avalanche_seg.models.adapting.classifier_search import (
    check_classifier,
    factory_like,
    find_classifiers,
    joined_classifier,
)
from avalanche_seg.models.adapting.examples import looked_at
from avalanche_seg.models.adapting.network import TappedNetwork
from avalanche_seg.models.adapting.taps import module_at
from avalanche_seg.models.channels import BackgroundChannel
from avalanche_seg.models.classifiers import HeadFactory
from avalanche_seg.models.segmentation_model import SegmentationModel
from avalanche_seg.system import check_flags, check_whole, check_wholes, shown

__all__ = ["AdaptedModel", "as_incremental"]

OWN = "own"


class AdaptedModel(SegmentationModel):
    """What :func:`as_incremental` and the networks of other libraries give.

    Attributes:
        name: under which files and the command line know it: "as_incremental", or of a library.
        frozen: names of the parameters that no output depends on, which do not learn.
    """

    name: str = "as_incremental"
    frozen: tuple[str, ...] = ()


def as_incremental(
    network: nn.Module,
    classifier: str | Sequence[str] | None = None,
    *,
    aux: str | Sequence[str] = (),
    taps: Mapping[str, str] | None = None,
    multiple_of: int = 1,
    example: Tensor | Sequence[int] | None = None,
    keep_classifier: bool = False,
    body: str | None = None,
    head: str = OWN,
    n_extra: int = 0,
    background: BackgroundChannel = "shared",
    in_channels: int = 3,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    value_range: Sequence[float] | None = None,
    classes_per_step: Sequence[int] | None = None,
) -> AdaptedModel:
    """Put incremental heads in the place of a segmentation network's classifier.

    The classifier is taken out of a copy of the network, and the map that it classified goes under
    a head that grows. What the network does after its classifier is dropped: logits are at the
    classifier's own size, and losses, metrics and ``predict`` resize them bilinearly
    (``align_corners=False``). The network must end in a convolution of stride 1, or the sum of
    several: not in a transposed convolution, token classifier or queries.

    Parameters that nothing depends on any more are frozen.

    Args:
        network: normalised images B x in_channels x H x W -> logits B x C x h x w: a tensor, a
            dict or object with "out" or "logits", or a tuple that starts with them. It stays as it
            is.
        classifier: path of the last convolution, as in ``network.named_modules()``; several where
            the network adds their outputs; None: it is looked for.
        aux: paths of the classifiers of auxiliary outputs, trained with heads of their own.
        taps: modules whose output :attr:`SegmentationOutput.features` holds beside "head", by the
            name that it gets there: ``{"layer4": "backbone.layer4"}``.
        multiple_of: images are padded to multiples of this many pixels, the logits cropped.
        example: normalised images, or their size, to look at the network with; None: two square
            ones of the first of 64, 128, 224, 384 and 512 pixels that runs.
        keep_classifier: start with the network's classes and classifier as step 0.
        body: path of the backbone, for :meth:`SegmentationModel.parameter_roles`; None: all of it.
        head: kind of classifiers: "own" (convolutions like the network's), or as in
            :class:`SegmentationModel`.
        n_extra: as in :class:`SegmentationModel`.
        background: as in :class:`SegmentationModel`.
        in_channels: of the images that the network takes.
        mean: as in :class:`SegmentationModel`.
        std: as in :class:`SegmentationModel`.
        value_range: as in :class:`SegmentationModel`.
        classes_per_step: as in :class:`SegmentationModel`.

    Raises:
        ValueError: for a network without such a classifier, or whose output its classifier does
            not reproduce; for paths that it does not have, or taps that are no maps.

    Example:
        >>> import torch
        >>> _ = torch.manual_seed(0)
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 5, 1))
        >>> model = as_incremental(net, classes_per_step=(3, 2))
        >>> model.config["classifier"], model(torch.zeros(1, 3, 8, 6)).logits.shape
        (['2'], torch.Size([1, 5, 4, 3]))
        >>> trained = as_incremental(net, keep_classifier=True)
        >>> trained.n_classes, trained.predict(torch.zeros(1, 3, 8, 6), normalized=True).shape
        (5, torch.Size([1, 8, 6]))
    """
    if not isinstance(taps or {}, Mapping):
        raise ValueError(f"taps={shown(taps)}; expected a dict, from names to paths of modules")
    taps, aux = dict(taps or {}), [aux] if isinstance(aux, str) else list(aux)
    plain_head = head == OWN and n_extra == 0 and background == "shared"
    _check_arguments(network, multiple_of, in_channels, keep_classifier, plain_head)
    reference = copy.deepcopy(network).eval()
    images, logits = looked_at(reference, example, multiple_of, in_channels)
    if classifier is None:
        paths = find_classifiers(reference, images, logits)
    else:
        paths = [classifier] if isinstance(classifier, str) else list(classifier)
    convolutions = _classifiers(reference, paths, "classifier")
    _check_alike(paths, convolutions)
    aux_convolutions = _classifiers(reference, aux, "aux")
    for path in (*taps.values(), *([] if body is None else [body])):
        module_at(reference, path, "taps" if path in taps.values() else "body")
    joined = joined_classifier(convolutions)

    tapped = TappedNetwork(
        copy.deepcopy(network), paths, aux=aux, taps=taps, multiple_of=multiple_of
    )
    check_exact(tapped_maps(tapped, images).main, joined, logits, ", ".join(map(repr, paths)))
    frozen = freeze_unused(tapped, images)
    heads = [joined, *aux_convolutions]
    factories: list[HeadFactory] = [factory_like(convolution) for convolution in heads]
    model = AdaptedModel(
        tapped,
        joined.in_channels,
        [convolution.in_channels for convolution in aux_convolutions],
        body=None if body is None else f"network.adapted.{body}",
        head=factories if head == OWN else head,
        n_extra=n_extra,
        background=background,
        taps=("head", *taps),
        in_channels=in_channels,
        mean=mean,
        std=std,
        value_range=value_range,
    )
    for own in model.heads:
        own.to(device=images.device, dtype=images.dtype)
    model.frozen = tuple(f"network.{name}" for name in frozen)
    model.config |= {
        "network": type(network).__name__,
        "classifier": paths,
        "aux": aux,
        "taps": taps,
        "multiple_of": multiple_of,
        "example": list(images.shape),
        "body": body,
        "head": head,
    }
    if keep_classifier:
        _keep(model, heads)
    for n_new in check_wholes("classes_per_step", classes_per_step or (), least=1):
        model.grow(n_new)
    return model.train()


def _check_arguments(
    network: nn.Module,
    multiple_of: int,
    in_channels: int,
    keep_classifier: bool,
    plain_head: bool,
) -> None:
    if isinstance(network, SegmentationModel):
        raise ValueError(f"network is a {type(network).__name__}, whose heads grow already")
    if not isinstance(network, nn.Module):
        raise ValueError(f"network={shown(network)}; expected a module that returns logits")
    check_whole("multiple_of", multiple_of, least=1)
    check_whole("in_channels", in_channels, least=1)
    check_flags(keep_classifier=keep_classifier)
    if keep_classifier and not plain_head:
        raise ValueError(
            "keep_classifier=True keeps the network's own channels, so it needs head='own', "
            "n_extra=0 and background='shared'; leave these out"
        )


def _classifiers(network: nn.Module, paths: Sequence[str], argument: str) -> list[nn.Conv2d]:
    return [check_classifier(path, module_at(network, path, argument)) for path in paths]


def _check_alike(paths: Sequence[str], convolutions: Sequence[nn.Conv2d]) -> None:
    """Refuse classifiers that no single one on their joined maps could stand for."""
    if not convolutions:
        raise ValueError("classifier=[]; expected one path or more")
    kinds = {(factory_like(c), c.out_channels) for c in convolutions}
    if len(kinds) > 1:
        raise ValueError(
            f"the classifiers {', '.join(map(repr, paths))} differ in kernel or channels; expected "
            "one, or several alike whose outputs the network adds"
        )


def _keep(model: AdaptedModel, classifiers: Sequence[nn.Conv2d]) -> None:
    """Make the network's own classifiers step 0."""
    model.grow(classifiers[0].out_channels)
    for head, kept in zip(model.heads, classifiers, strict=True):
        own = joined_classifier([kept])  # With a bias, as all classifiers here.
        if head.out_channels != kept.out_channels:
            raise ValueError(
                f"an auxiliary classifier has {kept.out_channels} channels and the main one "
                f"{head.out_channels}; expected equal numbers with keep_classifier=True"
            )
        head.classifiers[0].load_state_dict(own.state_dict())
