"""The scripts of this package by name."""

import importlib

from profiling.report import Section

__all__ = ["SCRIPTS", "measure_script"]

SCRIPTS = (
    "samples",
    "street_scenes",
    "mask_statistics",
    "losses",
    "busy_machine",
    "penalties",
    "training_step",
    "deeplabv3_step",
    "sigmoid_methods",
    "template",
    "newer_methods",
    "step_memory",
    "adapted_network",
    "evaluation",
    "freed_memory",
    "scale",
    "data_size",
    "cost",
    "suite",
)
"""Modules of this package with a function ``measure``, in the order of the file."""


def measure_script(name: str, quick: bool) -> list[Section]:
    """The sections of one of ``SCRIPTS``."""
    sections: list[Section] = importlib.import_module(f"profiling.{name}").measure(quick=quick)
    return sections
