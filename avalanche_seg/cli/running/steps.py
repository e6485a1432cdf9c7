"""Which steps a run trains, with which seed, and from which model."""

import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from avalanche_seg.benchmarks import SegmentationExperience, SegmentationScenario
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.progress import Progress
from avalanche_seg.models import SegmentationModel, load_model, name_of, save_model
from avalanche_seg.plugins import (
    CheckpointPlugin,
    ImportancePlugin,
    TeacherPlugin,
    grow,
    on_device,
    read_state,
    stateful_plugins,
    write_state,
)
from avalanche_seg.system import is_main

__all__ = [
    "check_step",
    "link_step",
    "load_step",
    "model_file",
    "save_step",
    "step_seed",
    "steps_to_train",
    "write_state_of",
]


def step_seed(seed: int, step: int) -> int:
    """The seed of a step's training, so that a step run alone is the step run in one go."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1)[0])


def model_file(folder: Path, step: int) -> Path:
    """Where a run keeps the model of a step."""
    return folder / "models" / f"step{step}.safetensors"


def _state_file(model: Path) -> Path:
    """Beside a model: what methods know besides its weights, and the measures so far."""
    return model.with_suffix(".state.pt")


def check_step(options: Options, n_steps: int) -> None:
    """Raise a ValueError when the task has no such step."""
    if options.step is None and options.step_ckpt is not None and n_steps == 1:
        raise ValueError(
            f"--step_ckpt {options.step_ckpt}: the task {options.task} has no step after step 0; "
            "leave it out"
        )
    if options.step is not None and options.step >= n_steps:
        raise ValueError(
            f"--step {options.step}: the task {options.task} has the steps 0 to {n_steps - 1}"
        )


def steps_to_train(
    options: Options,
    strategy: Any,
    benchmark: SegmentationScenario,
    checkpoint: CheckpointPlugin,
    progress: Progress,
    folder: Path,
) -> list[SegmentationExperience]:
    """The experiences to train, the model being ready for the first of them.

    Raises:
        ValueError: when the model of the step before is missing or another one, when the step has a
            model already, or when a run cannot be resumed with these options.
    """
    stream = list(benchmark.train_stream)
    if options.step is not None:
        path = model_file(folder, options.step)
        if path.exists() and not options.resume:
            raise ValueError(
                f"--step {options.step} is trained already: {path} exists; pass another --name, "
                "--resume to go on with it, --test to test it, or move it away"
            )
    first = _first_step(options)
    if first > 0:
        previous = _previous_model(first, options.step_ckpt, folder)
        for experience in stream[:first]:
            grow(strategy, experience)
        load_step(previous, first, strategy, benchmark, progress)
        if options.step is None:
            link_step(previous, folder)
    stream = stream[first:] if options.step is None else stream[first : first + 1]
    return checkpoint.remaining(strategy, stream) if options.resume else stream


def _first_step(options: Options) -> int:
    """The step that training begins with; a model that is given without a step is step 0's."""
    if options.step is None:
        return 0 if options.step_ckpt is None else 1
    return options.step


def link_step(model: Path, folder: Path) -> None:
    """Let a run refer to the model of step 0 of another one, and to its pictures.

    The files are shared, not copied: symbolic links, relative so that a folder which holds both may
    be moved. A file that is there already stays; where the system has no links, the model that was
    loaded is not in this run's folder.
    """
    source = model.parents[1]
    files = [model, _state_file(model)]
    files += [source / "predictions" / name for name in ("step0", "step0.png")]
    for file in files:
        if not (is_main() and file.exists()):
            continue
        link = folder / file.relative_to(source)
        if link.exists() and not link.is_symlink():
            continue
        with suppress(OSError):
            link.unlink(missing_ok=True)  # A link to what was moved away, or to another model.
            link.symlink_to(os.path.relpath(file.resolve(), link.parent.resolve()))


def _previous_model(step: int, given: str | None, folder: Path) -> Path:
    path = model_file(folder, step - 1) if given is None else Path(given)
    if not path.is_file():
        raise ValueError(
            f"--step {step} goes on from the model of step {step - 1}, and {path} is no file; "
            f"train that step first (--step {step - 1}), pass --step_ckpt, or leave --step out to "
            "train all steps"
        )
    return path


def load_step(
    path: Path, step: int, strategy: Any, benchmark: SegmentationScenario, progress: Progress
) -> None:
    """Put the model of a finished step, and what its method knew, into the strategy.

    A warning says what the files lack: the method's state, or measures of steps before ``step``.

    Raises:
        ValueError: when it is a model of another task or network, or lacks the method's statistics.
    """
    earlier, model = load_model(path), strategy.model
    expected = tuple(benchmark.class_names[: model.n_classes])
    found = (name_of(earlier), earlier.config, earlier.class_names)
    if found != (name_of(model), model.config, expected):
        raise ValueError(
            f"{path} is a {_told(earlier)} of {', '.join(earlier.class_names)}; expected a "
            f"{_told(model)} of {', '.join(expected)}"
        )
    model.load_state_dict(earlier.state_dict())
    kept = read_state(_state_file(path), parts=["plugins"])
    state = {"plugins": {}} if kept is None else kept
    for name, plugin in stateful_plugins(strategy).items():
        if name in state["plugins"]:
            plugin.load_state_dict(on_device(state["plugins"][name], strategy.device))
        elif isinstance(plugin, ImportancePlugin):
            raise ValueError(
                f"{path} was trained without the statistics of {type(plugin).__name__}; train the "
                "steps before with the same --method"
            )
    for name, part in progress.by_name().items():
        if name in state:
            part.load_state_dict(state[name])
    _warn_of_gaps(path, step, progress, has_state=kept is not None)


def _warn_of_gaps(path: Path, step: int, progress: Progress, *, has_state: bool) -> None:
    """Say what the files of the steps before ``step`` lack."""
    measured = {report.step for report in progress.report.steps}
    gaps = [str(earlier) for earlier in range(step) if earlier not in measured]
    if not gaps or not is_main():
        return
    state = _state_file(path)
    if has_state:
        lost = f"{state} holds no measures"
    else:
        lost = f"{state} is missing: the method starts without what it knew, such as exemplars"
    warnings.warn(
        f"{lost}; results.json will lack step {', '.join(gaps)}, which --test can measure",
        stacklevel=2,
    )


def _told(model: SegmentationModel) -> str:
    """What a network is: its name, and the arguments it was made with."""
    arguments = ", ".join(f"{name} {value}" for name, value in model.config.items())
    return f"{name_of(model)} ({arguments})"


def save_step(
    path: Path, strategy: Any, progress: Progress, benchmark: SegmentationScenario
) -> None:
    """Write the model of a step that was just trained, after what its method knows.

    In this order a model file, which tells that its step is trained, never lacks its state.
    """
    write_state_of(path, strategy, progress)
    n_classes = strategy.model.n_classes
    save_model(
        strategy.model,
        path,
        class_names=benchmark.class_names[:n_classes],
        class_ids=benchmark.label_space.class_order[:n_classes],
        has_background=benchmark.label_space.has_background,
    )


def write_state_of(path: Path, strategy: Any, progress: Progress) -> None:
    """Write what the method of a model knows, and the measures so far, beside the model."""
    states = {}
    for name, plugin in stateful_plugins(strategy).items():
        kept = plugin.state_dict()
        if isinstance(plugin, TeacherPlugin):  # The next step's teacher is the model.
            kept = {part: value for part, value in kept.items() if part != "teacher"}
        if kept:
            states[name] = kept
    measured = {name: part.state_dict() for name, part in progress.by_name().items()}
    state = {"plugins": states, **measured}
    write_state(_state_file(path), state, keep_previous=False)
