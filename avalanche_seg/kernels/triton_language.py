"""Triton's language, where Triton is installed; elsewhere names that nothing asks for.

Triton comes with torch's builds for CUDA.
"""

from types import SimpleNamespace
from typing import Any

__all__ = ["jit", "tl"]

try:
    import triton
    import triton.language as tl
except ImportError:
    tl = SimpleNamespace(constexpr=None)

    def jit(function: Any, **_: Any) -> Any:
        """The function as it is."""
        return function
else:
    jit = triton.jit
