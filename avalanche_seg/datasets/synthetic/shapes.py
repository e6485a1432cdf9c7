"""The looks of the synthetic devkit: twenty classes, each of its own shape, texture and colour.

Shapes and textures are functions of an object's own coordinates ``u`` (right) and ``v`` (down),
arrays in units of the object's radius, and give a boolean array of the same shape.
"""

import math
from collections.abc import Callable
from colorsys import hsv_to_rgb
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["LOOKS", "Bools", "Floats", "Look"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Field = Callable[[Floats, Floats], Bools]
Colour = tuple[float, float, float]


class Look(NamedTuple):
    """How a class is drawn: ``accent`` colours the part of ``shape`` where ``texture`` holds."""

    shape: Field
    texture: Field
    colour: Colour
    accent: Colour


# Shapes, all about one radius wide.


def _polygon(*corners: tuple[float, float]) -> Field:
    """Inside of a polygon, by the even-odd rule."""

    def inside(u: Floats, v: Floats) -> Bools:
        odd = np.zeros(u.shape, dtype=bool)
        for (u0, v0), (u1, v1) in zip(corners, (*corners[1:], corners[0]), strict=True):
            if v0 != v1:
                crossing = u0 + (v - v0) * ((u1 - u0) / (v1 - v0))
                odd ^= ((v0 > v) != (v1 > v)) & (u < crossing)
        return odd

    return inside


def _mirrored(*corners: tuple[float, float]) -> Field:
    """A polygon from its right half, listed from top to bottom."""
    return _polygon(*corners, *((-u, v) for u, v in reversed(corners)))


def _star(*radii: float) -> Field:
    """A polygon with a corner on top and one corner per radius, at even angles."""
    angles = (2 * math.pi * k / len(radii) for k in range(len(radii)))
    corners = ((r * math.sin(a), -r * math.cos(a)) for a, r in zip(angles, radii, strict=True))
    return _polygon(*corners)


def _disc(radius: float, u0: float = 0.0, v0: float = 0.0) -> Field:
    return lambda u, v: np.hypot(u - u0, v - v0) < radius


def _minus(shape: Field, hole: Field) -> Field:
    return lambda u, v: shape(u, v) & ~hole(u, v)


def _ellipse(u: Floats, v: Floats) -> Bools:
    return np.hypot(u, v / 0.55) < 1.05


def _flower(u: Floats, v: Floats) -> Bools:
    edge: Floats = 0.74 + 0.28 * np.cos(5 * np.arctan2(u, -v))
    return np.hypot(u, v) < edge


def _heart(u: Floats, v: Floats) -> Bools:
    x, y = 1.2 * u, 0.1 - 1.2 * v
    ball = x * x + y * y - 1
    return ball * ball * ball < x * x * y * y * y


_RING = _minus(_disc(1.0), _disc(0.45))
_CRESCENT = _minus(_disc(1.05), _disc(0.8, 0.5, -0.3))
_HALF_DISC = _minus(_disc(1.05, 0, -0.4), _polygon((-2, -2), (2, -2), (2, -0.4), (-2, -0.4)))
_BITTEN_DISC = _minus(_disc(1.0), _polygon((-0.1, 0), (2, -1.3), (2, 1.3)))
_SQUARE = _mirrored((0.8, -0.8), (0.8, 0.8))
_TRAPEZOID = _mirrored((0.4, -0.6), (1.1, 0.6))
_TRIANGLE = _mirrored((0, -1.05), (1, 0.75))
_KITE = _mirrored((0, -1.15), (0.6, 0), (0, 1.15))
_HOURGLASS = _mirrored((0.85, -0.95), (0.2, 0), (0.85, 0.95))
_ARROW = _mirrored((0, -1.05), (0.95, 0), (0.4, 0), (0.4, 1))
_TEE = _mirrored((0.95, -0.9), (0.95, -0.25), (0.33, -0.25), (0.33, 0.95))
_PLUS = _mirrored((0.34, -1), (0.34, -0.34), (1, -0.34), (1, 0.34), (0.34, 0.34), (0.34, 1))
_U_TURN = _mirrored((0.85, -0.9), (0.85, 0.9), (0.3, 0.9), (0.3, -0.25))
_ELL = _polygon((-0.8, -1), (-0.15, -1), (-0.15, 0.3), (0.85, 0.3), (0.85, 0.95), (-0.8, 0.95))


# Textures, with periods no finer than a few pixels of the smallest object.


def _nowhere(u: Floats, v: Floats) -> Bools:
    return np.zeros(u.shape, dtype=bool)


def _stripes(period: float, degrees: float) -> Field:
    """Stripes at an angle from the horizontal, half of each period the accent."""
    du, dv = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return lambda u, v: ((u * du + v * dv) / period + 0.25) % 1.0 < 0.5


def _checks(period: float) -> Field:
    rows, columns = _stripes(period, 0), _stripes(period, 90)
    return lambda u, v: rows(u, v) ^ columns(u, v)


def _dots(period: float) -> Field:
    return lambda u, v: np.hypot((u / period) % 1.0 - 0.5, (v / period) % 1.0 - 0.5) < 0.32


def _rings(period: float) -> Field:
    return lambda u, v: (np.hypot(u, v) / period) % 1.0 > 0.5


def _spokes(n: int) -> Field:
    return lambda u, v: np.sin(n * np.arctan2(v, u)) > 0


def _tips(u: Floats, v: Floats) -> Bools:
    return np.maximum(np.abs(u), np.abs(v)) > 0.62


def _waves(u: Floats, v: Floats) -> Bools:
    return ((v + 0.2 * np.sin(6 * u)) / 0.7) % 1.0 < 0.4


def _grid(u: Floats, v: Floats) -> Bools:
    return ((u / 0.55 + 0.5) % 1.0 < 0.3) | ((v / 0.55 + 0.5) % 1.0 < 0.3)


def _hsv(degrees: float, saturation: float, value: float) -> Colour:
    return hsv_to_rgb(degrees / 360, saturation, value)


def _bright(hue: float) -> Colour:
    return _hsv(hue, 0.85, 1.0)


def _dark(hue: float) -> Colour:
    return _hsv(hue, 0.95, 0.5)


_WHITE: Final = (1.0, 1.0, 1.0)
_BLACK: Final = (0.05, 0.05, 0.05)
_RED, _ORANGE, _YELLOW, _GREEN, _MINT = 0, 26, 52, 100, 150
_CYAN, _AZURE, _BLUE, _VIOLET, _PINK = 180, 208, 236, 274, 318

# Each of ten hues once bright and once dark; no two classes share a shape or a texture. Close ids
# look unlike, since they tend to be learned in the same step.
LOOKS: Final[dict[int, Look]] = {
    1: Look(_ARROW, _nowhere, _bright(_AZURE), _WHITE),
    2: Look(_RING, _spokes(5), _bright(_RED), _BLACK),
    3: Look(_CRESCENT, _stripes(0.5, 45), _bright(_YELLOW), _BLACK),
    4: Look(_TRAPEZOID, _stripes(0.6, 0), _dark(_BLUE), _WHITE),
    5: Look(_ellipse, _checks(0.7), _dark(_GREEN), _bright(_YELLOW)),
    6: Look(_SQUARE, _dots(0.54), _bright(_ORANGE), _BLACK),
    7: Look(_HALF_DISC, _stripes(0.6, 90), _dark(_CYAN), _WHITE),
    8: Look(_heart, _rings(0.5), _bright(_PINK), _WHITE),
    9: Look(_ELL, _stripes(0.34, 0), _dark(_ORANGE), _bright(_ORANGE)),
    10: Look(_star(*[1.0] * 6), _spokes(2), _bright(_VIOLET), _BLACK),
    11: Look(_TEE, _grid, _dark(_YELLOW), _WHITE),
    12: Look(_BITTEN_DISC, _stripes(0.34, 90), _dark(_VIOLET), _bright(_VIOLET)),
    13: Look(_star(*[1.15, 0.55] * 5), lambda u, v: u > 0, _bright(_MINT), _dark(_RED)),
    14: Look(_HOURGLASS, _stripes(0.5, -45), _dark(_RED), _bright(_YELLOW)),
    15: Look(_PLUS, _tips, _bright(_BLUE), _bright(_RED)),
    16: Look(_flower, _disc(0.4), _bright(_GREEN), _bright(_PINK)),
    17: Look(_disc(0.95), _waves, _bright(_CYAN), _BLACK),
    18: Look(_U_TURN, _checks(0.44), _dark(_PINK), _bright(_CYAN)),
    19: Look(_KITE, lambda u, v: np.abs(v) > 0.45, _dark(_AZURE), _bright(_ORANGE)),
    20: Look(_TRIANGLE, _dots(0.4), _dark(_MINT), _WHITE),
}
