"""Fetching ADE20K."""

import shutil
import zipfile
from pathlib import Path

from tqdm import tqdm

from avalanche_seg.datasets.ade20k import FOLDER, find_ade20k
from avalanche_seg.datasets.download import fetch
from avalanche_seg.system import check_free_space, expand_home

__all__ = ["ADE20K_MD5", "ADE20K_SIZE", "ADE20K_URL", "download_ade20k"]

ADE20K_URL = "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip"
ADE20K_SIZE = "about 923 MB"
ADE20K_MD5 = "7328b3957e407ddae1d3cbf487f149ef"


def download_ade20k(
    root: Path, *, url: str = ADE20K_URL, md5: str | None = ADE20K_MD5, progress: bool = True
) -> Path:
    """Fetch ADE20K (923 MB), unless it is there.

    A call that was stopped is gone on with. The archive is removed once it is unpacked.

    Args:
        root: folder for the download.
        url: of the archive.
        md5: its checksum; None does not check it.
        progress: tell the archive's size and show progress bars.

    Returns:
        the data set's folder.

    Raises:
        ValueError: as :func:`avalanche_seg.datasets.download.fetch`; for an archive that cannot be
            read or holds something else.
    """
    root = expand_home(root)
    found = find_ade20k(root)
    if found is not None:
        return found
    archive = fetch(url, root / f"{FOLDER}.zip", md5=md5, about=ADE20K_SIZE, progress=progress)
    # A half-unpacked archive would look like a data set.
    staging = root / f"{FOLDER}.unfinished"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            members = packed.infolist()
            check_free_space(
                FOLDER,
                sum(member.file_size for member in members),
                shutil.disk_usage(root).free,
                str(root),
                "free some, or choose another folder",
            )
            for member in tqdm(members, desc=FOLDER, unit="file", disable=not progress):
                packed.extract(member, staging)
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{archive} cannot be unpacked ({error}); remove it and fetch it again"
        ) from error
    unpacked = find_ade20k(staging)
    if unpacked is None:
        raise ValueError(f"{archive} holds no {FOLDER}; remove it and fetch another")
    unpacked.rename(root / FOLDER)
    shutil.rmtree(staging, ignore_errors=True)
    archive.unlink()
    return root / FOLDER
