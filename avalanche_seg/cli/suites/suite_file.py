"""Suite files: the settings that many runs share, and the blocks in which they differ."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

__all__ = ["Suite", "make_suite", "read_suite"]

_OWN = {"name", "extends", "runs"}


@dataclass(frozen=True)
class Suite:
    """What a suite file says.

    Attributes:
        name: of the suite's folder.
        blocks: by the place in the file, such as ``runs[0]``, the settings of every block of runs
            by flag, those of the top level included.
    """

    name: str
    blocks: dict[str, dict[str, Any]]


def read_suite(path: Path) -> Suite:
    """Read a TOML file.

    Raises:
        ValueError: naming the file, when it cannot be read, is no TOML, extends itself, or what it
            holds is no suite.
    """
    return make_suite(_read(path, ()), path.stem, where=str(path))


def make_suite(content: Mapping[str, Any], name: str = "suite", *, where: str = "suite") -> Suite:
    """A suite of plain values, such as a TOML file holds.

    Args:
        content: settings by flag without dashes, for all runs; ``runs``, a list of blocks of
            further ones; ``name``.
        name: of the suite, where the content has none.
        where: what errors name.

    Raises:
        ValueError: for blocks that are no tables, or a name that is no folder's.

    Example:
        >>> make_suite({"task": "15-5", "runs": [{"method": "FT"}, {"method": "MiB"}]}).blocks
        ... # doctest: +NORMALIZE_WHITESPACE
        {'runs[0]': {'task': '15-5', 'method': 'FT'},
         'runs[1]': {'task': '15-5', 'method': 'MiB'}}
    """
    called = content.get("name", name)
    parts = PurePath(called).parts if isinstance(called, str) else ()
    if len(parts) != 1 or parts[0] in ("..", "/") or not called.isprintable():
        raise ValueError(f"{where}: name is {called!r}; expected the name of a folder")
    shared = {key: value for key, value in content.items() if key not in _OWN}
    blocks = content.get("runs", [{}])
    if not (
        isinstance(blocks, list) and blocks and all(isinstance(block, Mapping) for block in blocks)
    ):
        raise ValueError(
            f"{where}: runs is {blocks!r}; expected blocks of settings, each under [[runs]]"
        )
    return Suite(called, {f"runs[{i}]": {**shared, **block} for i, block in enumerate(blocks)})


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The content of a file over that of the one it extends."""
    here = path.resolve()
    if here in seen:
        names = " -> ".join(each.name for each in (*seen, here))
        raise ValueError(f"{path} extends itself: {names}; take one of these lines out")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}); expected a suite in TOML") from error
    if "extends" not in content:
        return content
    if not isinstance(content["extends"], str):
        raise ValueError(f"{path}: extends is {content['extends']!r}; expected a file's name")
    earlier = _read(path.parent / content["extends"], (*seen, here))
    return {key: value for key, value in earlier.items() if key != "name"} | content
