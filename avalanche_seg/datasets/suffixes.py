"""Which files are images by their names, and the file of an ID whatever its suffix."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image

__all__ = ["FilesOfIds", "image_suffixes"]

_NO_PIXELS = frozenset(("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"))  # Or by other programs only.


@lru_cache(maxsize=1)
def image_suffixes() -> frozenset[str]:
    """The suffixes, in lower case, of all files that Pillow reads.

    Example:
        >>> {".jpg", ".jpeg", ".png", ".tif", ".bmp", ".webp"} <= image_suffixes()
        True
    """
    formats = Image.registered_extensions()  # First of all, as it loads what fills Image.OPEN.
    readable = set(Image.OPEN) - _NO_PIXELS
    return frozenset(suffix for suffix, name in formats.items() if name in readable)


class FilesOfIds:
    """The files of a folder by ID, their names without suffix.

    Args:
        folder: the folder; an ID may lie in one below it.
        usual: suffixes that are tried first, in order. The one that was found last leads, so that
            a folder of one kind costs one look per ID.
        any_suffix: take files with other suffixes than those of images too.
    """

    def __init__(self, folder: Path, usual: Sequence[str], *, any_suffix: bool = False) -> None:
        self._folder = folder
        self._default = usual[0]
        self._usual = list(usual)
        self._any_suffix = any_suffix
        self._others: dict[Path, dict[str, list[Path]]] = {}

    def find(self, name: str) -> Path:
        """The file of an ID; one that does not exist, with the first usual suffix, if none does.

        Raises:
            ValueError: when there are several, none of them with a usual suffix.
        """
        for suffix in self._usual:
            path = self._folder / f"{name}{suffix}"
            if path.is_file():
                if suffix != self._usual[0]:
                    self._usual.remove(suffix)
                    self._usual.insert(0, suffix)
                return path
        path = self._folder / f"{name}{self._default}"
        found = self._listed(path.parent).get(Path(name).name, [path])
        if len(found) > 1:
            raise ValueError(
                f"{found[0]} and {found[1].name} have the same ID; expected one file for it: "
                "remove one, or write the path of the one that is meant on the list"
            )
        return found[0]

    def _listed(self, folder: Path) -> dict[str, list[Path]]:
        """The images of a folder by name without suffix; read once."""
        if folder not in self._others:
            names: dict[str, list[Path]] = defaultdict(list)
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if self._any_suffix or path.suffix.lower() in image_suffixes():
                    names[path.name.removesuffix(path.suffix)].append(path)
            self._others[folder] = names
        return self._others[folder]
