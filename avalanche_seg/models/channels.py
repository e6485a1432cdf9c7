"""Raw channels of a head and the classes they stand for."""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from avalanche_seg.system import check_whole

__all__ = ["BackgroundChannel", "HeadGroup", "check_channels", "class_scores", "next_groups"]

BackgroundChannel = Literal["shared", "separate", "split", "none"]
"""Where the background's channel is.

"shared": in the classifier of step 0; "separate": in one of its own; "split": in one of its own,
and the extra channels are background too; "none": nowhere.
"""


class HeadGroup(NamedTuple):
    """The channels of one classifier of a head.

    Attributes:
        kind: "extra" (channels that are no class), "background" (alone) or "classes".
        step: the step that added it.
        n_channels: how many channels it has.
    """

    kind: Literal["extra", "background", "classes"]
    step: int
    n_channels: int


def check_channels(n_extra: int, background: str) -> None:
    """Check the options of a head.

    Raises:
        ValueError: for a negative ``n_extra``, an unknown ``background``, or one that is split
            among no extra channels.
    """
    check_whole("n_extra", n_extra, expected="0 or more extra channels")
    known = get_args(BackgroundChannel)
    if background not in known:
        raise ValueError(f"background={background!r} is unknown; expected {', '.join(known)}")
    if background == "split" and n_extra == 0:
        raise ValueError(
            "background='split' shares the background with the extra channels, and n_extra=0; "
            "expected n_extra=1 or more, or background='separate'"
        )


def next_groups(
    step: int, n_new: int, *, n_extra: int = 0, background: BackgroundChannel = "shared"
) -> list[HeadGroup]:
    """The groups of channels that a step adds to a head, in their order.

    Args:
        step: number of the step.
        n_new: how many classes it adds; at step 0 the background is one of them.
        n_extra: channels in front that are no class.
        background: where the background's channel is.

    Raises:
        ValueError: when ``n_new`` is less than one, or leaves nothing to classify.

    Example:
        >>> [(group.kind, group.n_channels) for group in next_groups(0, 16, n_extra=1)]
        [('extra', 1), ('classes', 16)]
        >>> [(group.kind, group.n_channels) for group in next_groups(0, 16, background="separate")]
        [('background', 1), ('classes', 15)]
    """
    check_whole("n_new", n_new, least=1, expected="at least one new channel")
    if step > 0:
        return [HeadGroup("classes", step, n_new)]
    if background == "none" and n_new == 1:
        raise ValueError(
            "n_new=1 at step 0 is the background, which has no channel with background='none'; "
            "expected at least one class beside it"
        )
    groups = [
        HeadGroup("extra", 0, n_extra),
        HeadGroup("background", 0, int(background in ("separate", "split"))),
        HeadGroup("classes", 0, n_new if background == "shared" else n_new - 1),
    ]
    return [group for group in groups if group.n_channels > 0]


def class_scores(
    logits: Tensor, *, n_extra: int = 0, background: BackgroundChannel = "shared"
) -> Tensor:
    """The classes' scores among the raw channels of a head.

    Extra channels are dropped. A background without a channel scores 0, the logit of probability
    1/2: it is where no class is more probable than not, when classes are sigmoids. A background
    that is split scores the sum of the sigmoids of its own and of the extra channels, and classes
    score their sigmoids, as SSUL's unknown channel is read (Cha et al., NeurIPS 2021).

    Args:
        logits: floating point, B x C x h x w.
        n_extra: channels in front that are no class.
        background: where the background's channel is.

    Returns:
        B x n_classes x h x w: a view of the logits, themselves where every channel is a class, or,
        with ``background="none"`` or ``"split"``, a new tensor.

    Example:
        >>> logits = torch.tensor([5.0, -1.0, 2.0]).view(1, 3, 1, 1)
        >>> class_scores(logits, n_extra=1).flatten().tolist()
        [-1.0, 2.0]
        >>> class_scores(logits, n_extra=1, background="none").flatten().tolist()
        [0.0, -1.0, 2.0]
        >>> scores = class_scores(logits, n_extra=1, background="split")
        >>> [round(score, 4) for score in scores.flatten().tolist()]
        [1.2622, 0.8808]
    """
    if background == "split":
        shares = logits.sigmoid()
        whole = shares[:, : n_extra + 1].sum(dim=1, keepdim=True)
        return torch.cat([whole, shares[:, n_extra + 1 :]], dim=1)
    of_classes = logits[:, n_extra:] if n_extra else logits
    if background != "none":
        return of_classes
    return torch.cat([torch.zeros_like(of_classes[:, :1]), of_classes], dim=1)
