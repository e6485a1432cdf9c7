import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.datasets.contents import content_digest, fingerprint


@given(st.binary(min_size=1, max_size=300), st.data())
def test_any_changed_byte_changes_the_digest(content: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[position] ^= data.draw(st.integers(1, 255))
    digest = content_digest(content)
    assert 0 <= digest < 2**64
    assert content_digest(bytes(flipped)) != digest
    assert content_digest(content + b"\0") != digest
    assert content_digest(content[:-1]) != digest


def test_a_fingerprint_knows_which_file_is_which() -> None:
    digests = np.arange(6, dtype=np.uint64).reshape(3, 2)
    others = [digests[::-1], digests[:, ::-1], digests.reshape(2, 3), digests[:2], digests + 1]
    assert len({fingerprint(one) for one in (digests, *others)}) == 6
