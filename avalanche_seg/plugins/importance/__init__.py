"""Importances of parameters and the quadratic penalty: EWC, PI and RW."""

from avalanche_seg.plugins.importance.penalty import (
    EWCPlugin,
    ImportancePlugin,
    PIPlugin,
    QuadraticPenalty,
    RWPlugin,
)

__all__ = [
    "EWCPlugin",
    "ImportancePlugin",
    "PIPlugin",
    "QuadraticPenalty",
    "RWPlugin",
]
