"""Memories of exemplars, and their replay among the images of a step."""

from avalanche_seg.plugins.replay.buffer import ClassExemplarsBuffer
from avalanche_seg.plugins.replay.candidates import Exemplar
from avalanche_seg.plugins.replay.choices import Annotates, LabelMode, MemoryPolicy
from avalanche_seg.plugins.replay.image_memory import ImageMemory, MemoryLabels
from avalanche_seg.plugins.replay.image_replay import ImageReplayPlugin
from avalanche_seg.plugins.replay.plugin import ExemplarMemory, ReplayPlugin, SMiBPlugin
from avalanche_seg.plugins.replay.selection import Selection

__all__ = [
    "Annotates",
    "ClassExemplarsBuffer",
    "Exemplar",
    "ExemplarMemory",
    "ImageMemory",
    "ImageReplayPlugin",
    "LabelMode",
    "MemoryLabels",
    "MemoryPolicy",
    "ReplayPlugin",
    "SMiBPlugin",
    "Selection",
]
