"""Which runs have the same step 0, so that it is trained once."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from avalanche_seg.benchmarks import ExperienceData, SegmentationScenario
from avalanche_seg.cli.options.methods import FLAGS, METHODS, argument_of
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.suites.expansion import KEYS, RunSettings

__all__ = ["first_step_key", "first_step_method", "first_step_values"]

_OF_MEMORY = (
    *("exemplars", "exemplars_selection", "exemplars_labels", "exemplars_update"),
    "exemplars_share",
)
# What step 0 does not see. The data that it does see are compared themselves.
_OF_LATER_STEPS = {
    *("method", "method_options", "task", "setting", "partition", "old_labels"),
    *("lr_later", "epochs_later", "fix_bn_later", *_OF_MEMORY),
}
_MEASURED = ("metrics", "sample_num")  # No weight depends on them; the measures of step 0 do.


def first_step_method(method: str) -> str | None:
    """The method whose step 0 is also this one's, as its strategy says; None where none does.

    Example:
        >>> first_step_method("MiB"), first_step_method("SSUL-M"), first_step_method("DFT")
        ('FT', 'SSUL', None)
    """
    told = vars(METHODS[method]).get("first_step_of")
    known = {strategy.__name__: name for name, strategy in METHODS.items()}
    return None if told is None else known[told]


def first_step_values(run: RunSettings) -> dict[str, Any]:
    """The settings, by flag, of a run whose step 0 is also that of ``run``.

    Raises:
        KeyError: for a method without :func:`first_step_method`.
    """
    base = first_step_method(run.options.method)
    assert base is not None
    # An argument that step 0 does not depend on has its default there: it is the same for all.
    needed = {f for f, a in argument_of(base).items() if a not in METHODS[base].later_arguments}
    dropped = (_OF_LATER_STEPS | {"use_exemplars", "strict"}) - {"task", "setting", "partition"}
    dropped |= {"train_void"} | {*FLAGS} - needed
    # By the names of settings: a flag may have several spellings.
    kept = {key: value for key, value in run.values.items() if KEYS[key].name not in dropped}
    return {**kept, "method": base, "train_void": run.options.train_void}


def first_step_key(options: Options, benchmark: SegmentationScenario) -> str | None:
    """A digest of all that the model of step 0 and its measures depend on.

    That is every setting that determines a run, but for those of later steps; the method that step
    0 is trained by, with its own arguments; and of step 0's images, contents and labels, for
    training and for tests.

    Args:
        options: of a run.
        benchmark: that it trains on.

    Returns:
        None for a run whose step 0 is its own: one that has no later step, or a method that does
        not say what its step 0 is.

    Example:
        >>> from avalanche_seg.cli.options.resolve import parse
        >>> first_step_key(parse(["--method", "DFT"]), None)
    """
    base = first_step_method(options.method)
    if base is None or len(benchmark.train_stream) < 2:
        return None
    own = {*argument_of(base).values()} - {*METHODS[base].later_arguments}
    told: dict[str, Any] = {
        "settings": {n: v for n, v in options.determining().items() if n not in _OF_LATER_STEPS},
        "method": base,
        "arguments": {n: v for n, v in options.method_options.items() if n in own},
        "network": dict(METHODS[options.method].model_options),
        "measured": {name: getattr(options, name) for name in _MEASURED},
        "classes": benchmark.class_names[: benchmark.label_space.n_channels_after(0)],
        "train": _digest(benchmark.train_stream[0].data),
        "test": _digest(benchmark.test_stream[0].data),
    }
    if options.device != "auto":
        told["device"] = options.device
    if options.cross_val:
        told["validation"] = _digest(benchmark.valid_stream[0].data)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def _digest(data: ExperienceData) -> str:
    """Of the contents and labels of an experience's samples, in their order."""
    digest = hashlib.sha256(data.digests[data.indices].tobytes())
    digest.update(data.label_map.tobytes())
    extras: Mapping[str, Any] = {
        **data.constants,
        **{name: rows[data.indices] for name, rows in data.per_image.items()},
    }
    for name, value in sorted(extras.items()):
        digest.update(name.encode() + value.numpy().tobytes())
    if data.split.values is not None:  # What the masks' values mean.
        digest.update(json.dumps(sorted(data.split.values.given().items())).encode())
    return digest.hexdigest()
