"""Whether what is to be written fits into the free space."""

__all__ = ["check_free_space"]


def check_free_space(what: str, size: int, free: int, where: str, remedy: str) -> None:
    """Refuse to write what does not fit.

    Args:
        what: is to be written.
        size: of it, in bytes.
        free: space, in bytes.
        where: starts the message.
        remedy: ends it.

    Raises:
        ValueError: when ``size`` is more than ``free``.

    Example:
        >>> check_free_space("the cache", 2**31, 2**30, "/tmp", "delete something")
        Traceback (most recent call last):
        ValueError: /tmp has 1.00 GiB of free space; the cache takes 2.00: delete something
    """
    if size > free:
        raise ValueError(
            f"{where} has {free / 2**30:.2f} GiB of free space; {what} takes "
            f"{size / 2**30:.2f}: {remedy}"
        )
