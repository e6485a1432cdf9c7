"""Published results beside one's own: which lines belong to a run, and how the settings differ."""

from collections.abc import Mapping
from typing import Any, Final

from avalanche_seg import models
from avalanche_seg.benchmarks import split_classes
from avalanche_seg.cli.options.methods import MEMORY, argument_of, default
from avalanche_seg.cli.options.options import SPECS
from avalanche_seg.cli.recipes import recipe
from avalanche_seg.cli.reporting.published_results import PUBLISHED_RESULTS, Published

__all__ = ["convention", "differences", "is_comparable", "other_settings", "published_for"]

_CLASSES: Final = {"voc": 20, "ade20k": 150}
_TITLES: Final = {"voc": "VOC 2012", "ade20k": "ADE20K"}
_SAME_TASK: Final = {"15-1": "15-5s", "50": "50-50"}
_OFF: Final = (
    "fix_bn",
    "fix_bn_later",
    "fix_bn_affine",
    "freeze",
    "freeze_body",
)  # In every source.
_LOOKED_AT_ELSEWHERE: Final = {"backbone", "setting", "random_seed"}


def published_for(config: Mapping[str, Any]) -> list[Published]:
    """The lines of a run's method, task, setting and number of exemplars.

    A joint run sees every image in any setting, so JOINT is found in all of them.

    Args:
        config: the content of config.json.

    Example:
        >>> config = {"method": "MiB", "task": "15-5", "setting": "overlapped"}
        >>> [(line.source.name, line.all) for line in published_for(config)]
        [('MiB, Table 1', 69.0), ('MiB, printed by PLOP', 70.1), ('SMiB report', 59.3)]
    """
    task, method = config.get("task"), config.get("method")
    task = _SAME_TASK.get(str(task), task)
    return [
        line
        for line in PUBLISHED_RESULTS
        if (line.task, line.method, line.exemplars) == (task, method, _exemplars(config))
        and (method == "JOINT" or line.setting == config.get("setting"))
    ]


def convention(line: Published) -> str:
    """Data, network and conventions of a line, in words.

    Example:
        >>> config = {"method": "PLOP", "task": "15-5", "setting": "overlapped"}
        >>> convention(published_for(config)[0])
        'VOC 2012, DeepLabV3-R101, background counted in old and all, void ignored in training'
    """
    source = line.source
    told = {
        "nowhere": "left out",
        "old and all": "counted in old and all",
        "all": "counted in all, not in old",
        "not told": "not told of",
    }[source.background]
    void = {"background": "void background in training", "ignore": "void ignored in training"}
    parts = [_TITLES[line.dataset], source.network, f"background {told}"]
    return ", ".join([*parts, *([void[source.void]] if source.void else [])])


def is_comparable(line: Published, config: Mapping[str, Any]) -> bool:
    """Whether a run is on the data of a published line."""
    return config.get("dataset") == line.dataset


def differences(line: Published, config: Mapping[str, Any], *, n_steps: int) -> list[str]:
    """Why a run's numbers are not to be set against a published line as they are.

    Args:
        line: one that :func:`published_for` gave.
        config: the content of the run's config.json; what it does not tell is not compared.
        n_steps: how many steps the run has finished.
    """
    told = []
    steps = split_classes(line.task, class_ids=range(1, _CLASSES[line.dataset] + 1))
    whole = 1 if line.method == "JOINT" else len(steps)
    if n_steps < whole:
        told.append(f"ours is unfinished: {n_steps} of {whole} steps")
    if not is_comparable(line, config):
        told.append("not the data of this run")
    network = f"{_network(config)}-{config.get('backbone', '?')}".replace("resnet", "R")
    if network != line.source.network:
        told.append(f"not the network of this run, which is {network}")
    if "weights" in config and config["weights"] is None:
        told.append("ours starts from random weights, theirs from ImageNet's")
    labels = "hidden" if line.exemplars is None else "visible"
    if line.method != "JOINT" and config.get("old_labels", labels) != labels:
        told.append(f"old labels are {config['old_labels']} in ours, {labels} there")
    if line.source.saliency and config.get("saliency") is None:
        told.append("theirs has saliency maps")
    if line.source.void not in (None, config.get("train_void", line.source.void)):
        told.append(f"void is {config['train_void']} in training in ours, {line.source.void} there")
    if line.source.recipe is None:
        told.append("its settings are not known here")
    return told


def other_settings(line: Published, config: Mapping[str, Any]) -> list[str]:
    """The settings in which a run differs from those of a published line.

    Compared are the values of the line's recipe, the method's own arguments and the options of its
    memory, published defaults where the recipe has none; not the seed, over which runs are
    averaged, nor what :func:`published_for` and :func:`differences` look at.

    Args:
        line: one that :func:`published_for` gave.
        config: the content of the run's config.json; what it does not tell is not compared.
    """
    if line.source.recipe is None:
        return []
    ours = dict(config)
    arguments = config.get("method_options") or {}
    known = {"method": line.method, "task": line.task, "dataset": line.dataset}
    theirs = recipe(line.source.recipe, **known)
    for flag, argument in argument_of(line.method).items():
        theirs.setdefault(flag, default(line.method, argument))
        if argument in arguments:
            ours[flag] = arguments[argument]
    if line.exemplars is not None:
        theirs |= {name: _published_memory(name) for name in MEMORY}
    theirs |= dict.fromkeys(_OFF, False)
    return [
        f"{name} {ours[name]}, there {value}"
        for name, value in theirs.items()
        if name not in _LOOKED_AT_ELSEWHERE
        and (line.method, name) != ("JOINT", "lr_later")  # One step has no later rate.
        and ours.get(name) not in (None, value)
    ]


def _published_memory(name: str) -> Any:
    """SMiB's published value of an option of the memory, as config.json would tell it."""
    spec = SPECS[name]
    return spec.default if spec.kind is bool else spec.choices[0] if spec.choices else None


def _network(config: Mapping[str, Any]) -> str:
    known: Mapping[str, Any] = getattr(models, "MODELS", {"bisenet": models.BiSeNet})
    name = config.get("model", "bisenet")
    return getattr(known.get(name), "__name__", name)


def _exemplars(config: Mapping[str, Any]) -> int | None:
    options = config.get("method_options") or {}
    return config.get("exemplars", options.get("n_exemplars"))
