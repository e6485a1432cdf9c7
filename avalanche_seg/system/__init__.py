"""The machine and its processes: ranks, atomic files, free space, memory, random state."""

from avalanche_seg.system.allocator import keep_freed_memory
from avalanche_seg.system.arguments import (
    check_flags,
    check_number,
    check_whole,
    check_wholes,
    shown,
)
from avalanche_seg.system.capacity import check_free_space
from avalanche_seg.system.distributed import (
    all_reduce_sum_,
    any_rank,
    broadcast,
    collective_device,
    is_main,
    least_of_ranks,
    process_group,
    rank,
    sync_buffers,
    world_size,
)
from avalanche_seg.system.files import atomic_write, expand_home, file_lock, remove_left_overs
from avalanche_seg.system.folder_lock import FolderLock, folder_holder
from avalanche_seg.system.memory import peak_memory, reset_peak_memory
from avalanche_seg.system.random_state import get_random_state, set_random_state

__all__ = [
    "FolderLock",
    "all_reduce_sum_",
    "any_rank",
    "atomic_write",
    "broadcast",
    "check_flags",
    "check_free_space",
    "check_number",
    "check_whole",
    "check_wholes",
    "collective_device",
    "expand_home",
    "file_lock",
    "folder_holder",
    "get_random_state",
    "is_main",
    "keep_freed_memory",
    "least_of_ranks",
    "peak_memory",
    "process_group",
    "rank",
    "remove_left_overs",
    "reset_peak_memory",
    "set_random_state",
    "shown",
    "sync_buffers",
    "world_size",
]
