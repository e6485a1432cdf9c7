"""Class-incremental semantic segmentation for Avalanche.

Every public name of the subpackages is one of this package too, imported when it is first used:

    from avalanche_seg import BiSeNet, MiB, VOCIncremental
"""

import ast
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

__all__ = ["__version__"]

__version__ = "0.1.0"

_SUBPACKAGES = (
    "labels", "normalization", "system", "datasets", "kernels", "loading", "benchmarks", "models",
    "losses", "metrics", "loggers", "plugins", "training", "strategies", "cli",
)  # fmt: skip


@cache
def _homes() -> dict[str, str]:
    """The subpackage of every public name, read from their sources: importing them needs torch."""
    homes: dict[str, str] = {}
    for subpackage in _SUBPACKAGES:
        folder = files(__name__) / subpackage
        file = folder / "__init__.py" if folder.is_dir() else files(__name__) / f"{subpackage}.py"
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
                homes |= dict.fromkeys(ast.literal_eval(statement.value), subpackage)
    return homes


def __getattr__(name: str) -> Any:
    """A subpackage, or a public name of one."""
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name.startswith("_") or name not in _homes():
        close = get_close_matches(name, [*_homes(), *_SUBPACKAGES])
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    value = getattr(import_module(f"{__name__}.{_homes()[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes(), *_SUBPACKAGES})
