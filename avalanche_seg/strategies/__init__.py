"""The methods, one per file: a template, its losses and plugins."""

from avalanche_seg.strategies.dft import DFT
from avalanche_seg.strategies.dkd import DKD
from avalanche_seg.strategies.dkd_m import DKDM
from avalanche_seg.strategies.ewc import EWC
from avalanche_seg.strategies.ewf import EWF, EWFPLOP
from avalanche_seg.strategies.fine_tuning import FineTuning
from avalanche_seg.strategies.ilt import ILT
from avalanche_seg.strategies.joint import Joint
from avalanche_seg.strategies.lgkd import LGKD
from avalanche_seg.strategies.lwf import LwF
from avalanche_seg.strategies.lwf_mc import LwFMC
from avalanche_seg.strategies.mib import MiB
from avalanche_seg.strategies.pi import PI
from avalanche_seg.strategies.plop import PLOP
from avalanche_seg.strategies.rw import RW
from avalanche_seg.strategies.smib import SMiB
from avalanche_seg.strategies.ssul import SSUL
from avalanche_seg.strategies.ssul_m import SSULM

__all__ = [
    "DFT",
    "DKD",
    "DKDM",
    "EWC",
    "EWF",
    "EWFPLOP",
    "FineTuning",
    "ILT",
    "Joint",
    "LGKD",
    "LwF",
    "LwFMC",
    "MiB",
    "PI",
    "PLOP",
    "RW",
    "SMiB",
    "SSUL",
    "SSULM",
]
