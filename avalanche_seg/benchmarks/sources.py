"""The data set that a benchmark is made of: a description, or a reader's name and a folder."""

from pathlib import Path

from avalanche_seg.datasets import SegmentationFiles, read_files

__all__ = ["described"]


def described(files_or_name: SegmentationFiles | str, root: str | Path | None) -> SegmentationFiles:
    """The description that was given, or what the named reader makes of a folder.

    Raises:
        ValueError: for a name without a folder, a description with one, or as the reader.
    """
    if isinstance(files_or_name, str):
        if root is None:
            raise ValueError(
                f"the data set {files_or_name!r} needs a root; pass the folder it lies in"
            )
        return read_files(files_or_name, root)
    if root is not None:
        raise ValueError(
            f"got root={str(root)!r} with the description of a data set, which knows its files; "
            "pass one of the two"
        )
    return files_or_name
