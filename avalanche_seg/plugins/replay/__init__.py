"""Memories of exemplars, and their replay among the images of a step."""

from avalanche_seg.plugins.replay.buffer import LABEL_MODES, UPDATES, ClassExemplarsBuffer
from avalanche_seg.plugins.replay.candidates import Exemplar
from avalanche_seg.plugins.replay.plugin import SMiBPlugin
from avalanche_seg.plugins.replay.selection import SELECTIONS

__all__ = [
    "ClassExemplarsBuffer",
    "Exemplar",
    "LABEL_MODES",
    "SELECTIONS",
    "SMiBPlugin",
    "UPDATES",
]
