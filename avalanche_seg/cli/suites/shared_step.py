"""A shared first step on the disk: whether it is whole, and what becomes of it when it is not."""

from avalanche_seg.cli.suites.jobs import Job
from avalanche_seg.models import load_model
from avalanche_seg.plugins import read_state

__all__ = ["damage", "set_aside"]


def damage(job: Job) -> str | None:
    """What is wrong with the model of a first step or its state; None when both are whole.

    Its weights are read and compared with their digest.
    """
    try:
        load_model(job.model)
        state = job.model.with_suffix(".state.pt")
        if read_state(state, parts=["plugins"]) is None:
            return f"{state} is missing"
    except ValueError as error:
        return str(error)
    return None


def set_aside(job: Job) -> None:
    """Move what is damaged out of the way, so that it is trained again; nothing is removed."""
    for path in (job.model, job.model.with_suffix(".state.pt"), job.folder / "results.json"):
        if path.exists():
            path.replace(path.with_name(f"{path.name}.damaged"))
