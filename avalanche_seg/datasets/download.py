"""Fetching a file over HTTP, going on where an earlier try was stopped."""

import hashlib
import shutil
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from avalanche_seg.system import check_free_space

__all__ = ["fetch"]

_CHUNK = 1 << 20
_TIMEOUT = 60.0  # Seconds without a byte.
_NOT_SATISFIABLE = 416


def fetch(
    url: str,
    path: Path,
    *,
    md5: str | None = None,
    about: str = "of unknown size",
    progress: bool = True,
) -> Path:
    """Fetch a file, unless it is there; a call after one that was stopped fetches the rest.

    What has arrived lies in ``path`` with ``.part`` at its end until it is whole and its checksum
    is right. The size is told on the standard error stream before the first byte.

    Args:
        url: of the file.
        path: where to.
        md5: the checksum, hexadecimal; None checks the size alone.
        about: the size that is told where the server tells none.
        progress: tell the size and show a progress bar.

    Returns:
        ``path``.

    Raises:
        ValueError: when the server cannot be reached or ends the connection early (call again to go
            on), the disk has too little space, or the checksum is wrong.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        _check(path, url, md5)
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        _fetch_rest(url, part, about, progress)
    except (OSError, HTTPException) as error:
        raise ValueError(
            f"{url} cannot be fetched ({error}); call again to go on from where it stopped, or "
            f"fetch it by other means as {path}"
        ) from error
    _check(part, url, md5)
    part.replace(path)
    return path


def _fetch_rest(url: str, part: Path, about: str, progress: bool) -> None:
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        response: Any = urlopen(Request(url, headers=headers), timeout=_TIMEOUT)
    except HTTPError as error:
        if error.code == _NOT_SATISFIABLE and have:  # All of it is there; its checksum decides.
            return
        raise
    with response:
        goes_on = response.status == 206
        start = have if goes_on else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        _check_fits(url, part.parent, start, total)
        if progress:
            told = about if total is None else f"{total / 1e6:,.0f} MB"
            there = f", {start / 1e6:,.0f} MB of it are there" if start else ""
            print(f"fetching {url} ({told}{there})", file=sys.stderr)
        with (
            part.open("ab" if goes_on else "wb") as file,
            tqdm(
                total=total,
                initial=start,
                desc=part.stem,
                unit="B",
                unit_scale=True,
                disable=not progress,
            ) as bar,
        ):
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    size = part.stat().st_size
    if total is not None and size < total:
        raise ConnectionError(f"the connection ended after {size} of {total} bytes")


def _check_fits(url: str, folder: Path, start: int, total: int | None) -> None:
    """Refuse a file that does not fit, where its size is known."""
    if total is not None:
        free = shutil.disk_usage(folder).free
        remedy = "free some, or choose another folder"
        check_free_space(url, total - start, free, str(folder), remedy)


def _check(path: Path, url: str, md5: str | None) -> None:
    if md5 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != md5:
        raise ValueError(
            f"{path}: got the MD5 checksum {found} of {url}; expected {md5}: remove the file and "
            "fetch it again"
        )
