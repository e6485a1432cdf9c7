from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# The same examples in every run, and no time limit on a busy machine.
hypothesis.settings.register_profile("tests", max_examples=60, deadline=None, derandomize=True)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def class_index_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep class indices out of the user's home."""
    folder = tmp_path_factory.mktemp("class_index_cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVALANCHE_SEG_CACHE", str(folder))
        yield folder
