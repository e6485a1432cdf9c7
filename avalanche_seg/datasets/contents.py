"""Whether files are still the same: digests of their contents, and what the system knows of them.

Contents are what counts, and reading them takes as long as reading can take. So they are read once,
and again when the system says that a file may have changed.
"""

import hashlib
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.sources import Item, state_of

__all__ = ["content_digest", "file_states", "fingerprint", "items_by_sample"]

_FORMAT = 3  # Raise it when what a scan stores or checks changes: old caches are then not used.

Digests = NDArray[np.uint64]


def items_by_sample(split: Split) -> Iterator[tuple[Item, ...]]:
    """Image, mask and extras, in the order of their names, of every sample."""
    extras = (split.extras[name] for name in sorted(split.extras))
    return zip(split.images, split.masks, *extras, strict=True)


def content_digest(content: bytes) -> int:
    """The CRC-32 of both halves, 64 bits together.

    A single changed byte, or several within 32 bits, always changes it; another file has the same
    by a chance of 2^-64. It is no protection against someone who wants two files to look alike.

    Args:
        content: of a file.

    Example:
        >>> len({content_digest(content) for content in (b"ab", b"ab", b"ac", b"ba")})
        3
    """
    both = memoryview(content)
    middle = len(both) // 2
    return zlib.crc32(both[:middle]) << 32 | zlib.crc32(both[middle:])


def file_states(split: Split) -> str | None:
    """A digest of what the system knows of a split's files, without reading them.

    Path, size, inode, time of modification and time of change. The last one cannot be set, so a
    file that was written or put in another's place is noticed even if its size and date are as
    before. File systems that have no such time, or a constant one, leave size and date (FAT,
    squashfs); for them the mask statistics look at the contents of some samples at every start.

    Args:
        split: the split.

    Returns:
        hexadecimal; None where the state of an item that is no file cannot be known.

    Raises:
        ValueError: naming a file that is not there.
    """
    digest = hashlib.sha256(f"mask statistics {_FORMAT}\n".encode())
    for items in items_by_sample(split):
        for item in items:
            state = state_of(item)
            if state is None:
                return None
            digest.update(f"{state}\n".encode())
    return digest.hexdigest()


def fingerprint(digests: Digests) -> str:
    """One digest of the contents of all files, wherever they lie and whatever their names.

    Args:
        digests: uint64, N x files of a sample.
    """
    head = f"contents {_FORMAT} {digests.shape}\n".encode()
    return hashlib.sha256(head + digests.astype("<u8").tobytes()).hexdigest()
