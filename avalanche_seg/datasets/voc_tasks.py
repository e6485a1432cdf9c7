"""Published class orders of VOC 2012, and the published partition of its training images."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.description import Ids
from avalanche_seg.labels import VOID

__all__ = ["VOC_ORDERS", "presence_partition"]

_RANDOM_ORDERS = """
b 12 9 20 7 15 8 14 16 5 19 4 1 13 2 11 17 3 6 18 10
c 13 19 15 17 9 8 5 20 4 3 10 11 18 16 7 12 14 6 1 2
d 15 3 2 12 14 18 20 16 11 1 19 8 10 7 17 6 5 13 9 4
e 7 5 3 9 13 12 14 19 10 2 1 4 16 8 17 15 18 6 11 20
f 7 13 5 11 9 2 15 12 14 3 20 1 16 4 18 8 6 10 19 17
g 7 5 9 1 15 18 14 3 20 10 4 19 11 17 16 12 8 6 2 13
h 12 9 19 6 4 10 5 18 14 15 16 3 8 7 11 13 2 20 17 1
i 13 10 15 8 7 19 4 3 16 12 14 11 5 20 6 2 18 9 17 1
j 1 14 9 5 2 15 8 20 6 16 18 7 11 10 19 3 4 17 12 13
k 16 13 1 11 12 18 6 14 5 3 7 9 20 19 15 4 2 10 8 17
l 10 7 6 19 16 8 17 1 14 4 9 3 15 11 12 2 18 20 13 5
m 18 4 14 17 12 10 7 3 9 1 8 15 6 13 2 5 11 20 16 19
n 5 4 13 18 14 10 19 15 7 9 3 2 8 16 20 1 12 11 6 17
o 9 12 13 18 7 1 15 17 10 8 4 5 20 16 6 14 19 11 2 3
p 9 12 13 18 2 11 15 17 10 8 4 5 20 16 6 14 19 1 7 3
q 3 14 13 18 2 11 15 17 10 8 4 5 20 16 6 12 19 1 7 9
r 3 14 13 1 2 11 15 17 7 8 4 5 9 16 19 12 6 18 10 20
s 3 14 6 1 2 11 12 17 7 20 4 5 9 16 19 15 13 18 10 8
t 3 15 13 1 2 11 18 17 7 20 8 5 9 16 19 14 6 12 10 4
u 3 15 13 14 6 11 18 17 7 20 8 4 9 16 10 1 2 12 19 5
v 1 2 12 14 6 19 18 17 5 20 8 4 9 16 10 3 15 13 11 7
w 1 2 12 14 13 19 18 7 11 20 8 4 9 16 10 3 15 6 5 17
"""

_BY_LETTER = {
    letter: tuple(map(int, ids))
    for letter, *ids in (line.split() for line in _RANDOM_ORDERS.split("\n") if line)
}

VOC_ORDERS: Final = {
    f"{task}_{letter}": order for task in ("15-5s", "15-1") for letter, order in _BY_LETTER.items()
}
"""The random orders of PLOP (Douillard et al., CVPR 2021), "15-5s_b" to "15-5s_w".

The first 15 are learned first, then one at a time; "15-1_b" is another name of "15-5s_b".
"""


def presence_partition(
    presence: NDArray[np.bool_], steps: Sequence[Sequence[int]], *, seed: int = 0
) -> list[Ids]:
    """Every image to the step of one of its classes, drawn image by image.

    The partitioned setting of CISS (arXiv 2405.09858): NumPy's legacy generator draws, in the order
    of the list file, one of the foreground classes that the image shows. On the 10,582 images of
    VOC + SBD the task 15-1 gives 9031, 254, 266, 270, 434 and 327.

    Args:
        presence: bool, N x 256; mask i has a pixel of value v. Void (255) is no class.
        steps: dataset ids by step, background left out.
        seed: of the generator; 0 as published.

    Returns:
        image indices by step. An image without a class belongs to none, nor does one whose drawn
        class is in no step.

    Example:
        >>> presence = np.zeros((4, 256), dtype=bool)
        >>> presence[[0, 1, 1, 2], [1, 1, 2, 2]] = True
        >>> presence_partition(presence, ((1,), (2,)))
        [(0, 1), (2,)]
    """
    step_of = {class_id: step for step, ids in enumerate(steps) for class_id in ids}
    # Only the legacy generator gives the published draws.
    generator = np.random.RandomState(seed)
    parts: list[list[int]] = [[] for _ in steps]
    for image, shown in enumerate(presence[:, 1:VOID]):
        classes = np.flatnonzero(shown) + 1
        if len(classes):
            step = step_of.get(int(generator.choice(classes)))
            if step is not None:
                parts[step].append(image)
    return [tuple(part) for part in parts]
