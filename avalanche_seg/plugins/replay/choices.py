"""What an exemplar shows later, and what happens to the memory after a step."""

from typing import Literal

__all__ = ["Annotates", "LabelMode", "MemoryPolicy"]

LabelMode = Literal["visible", "stored"]
""""visible": every class seen so far (SMiB's paper); "stored": those of its step (strict)."""

MemoryPolicy = Literal["extend", "redraw"]
""""extend": add exemplars of the step's classes; "redraw": draw those of all classes anew."""

Annotates = Literal["own", "earlier"]
""""own": an exemplar annotates the classes that its labels show; "earlier": every earlier class."""
