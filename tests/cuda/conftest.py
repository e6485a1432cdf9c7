"""What a GPU computes is what the CPU computes: ``pytest -m cuda``.

Without a GPU all of it is skipped, which one line says. ``AVALANCHE_SEG_TEST_DEVICE=cpu`` runs it
with the CPU in the place of the GPU, which shows that the tests themselves run.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from avalanche_seg.kernels import tile_resize

WANTED = os.environ.get("AVALANCHE_SEG_TEST_DEVICE", "cuda")


@pytest.hookimpl(trylast=True)  # Of what -m and -k have left.
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a GPU leave one test of this folder, whose skip says so for all of them."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    if not ours or not WANTED.startswith("cuda") or torch.cuda.is_available():
        return
    first, *rest = ours
    first.add_marker(
        pytest.mark.skip(
            reason=f"no GPU here: torch.cuda.is_available() says False ({len(ours)} tests)"
        )
    )
    left_out = set(rest)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=rest)


@pytest.fixture(scope="session", autouse=True)
def device() -> Iterator[torch.device]:
    """The device beside the CPU, with the whole of float32 in its products."""
    kinds = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [kind.allow_tf32 for kind in kinds]
    for kind in kinds:
        kind.allow_tf32 = False
    yield torch.device(WANTED)
    for kind, allowed in zip(kinds, before, strict=True):
        kind.allow_tf32 = allowed


@pytest.fixture(params=["one tile", "many tiles"])
def tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's tiles as they are, and so small that maps of a test have many."""
    if request.param == "many tiles":
        monkeypatch.setattr(tile_resize, "_DEVICE_TILE", 4096)
        monkeypatch.setattr(tile_resize, "_LEAST_PIXELS", 1)
        monkeypatch.setattr(tile_resize, "_LEAST_ROWS", 2)
