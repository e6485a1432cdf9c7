"""The methods, one per file: a template, its losses and plugins."""

from avalanche_seg.strategies.dkd import DKD
from avalanche_seg.strategies.dkd_m import DKDM
from avalanche_seg.strategies.ewc import EWC
from avalanche_seg.strategies.fine_tuning import FineTuning
from avalanche_seg.strategies.ilt import ILT
from avalanche_seg.strategies.joint import Joint
from avalanche_seg.strategies.lwf import LwF
from avalanche_seg.strategies.lwf_mc import LwFMC
from avalanche_seg.strategies.mib import MiB
from avalanche_seg.strategies.pi import PI
from avalanche_seg.strategies.rw import RW
from avalanche_seg.strategies.smib import SMiB
from avalanche_seg.strategies.ssul import SSUL
from avalanche_seg.strategies.ssul_m import SSULM

__all__ = [
    "DKD",
    "DKDM",
    "EWC",
    "FineTuning",
    "ILT",
    "Joint",
    "LwF",
    "LwFMC",
    "MiB",
    "PI",
    "RW",
    "SMiB",
    "SSUL",
    "SSULM",
]
