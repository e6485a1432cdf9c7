"""Dataset ids and channels: the one place where label numbers live.

A *dataset id* is a value in a data set's masks; a *channel* is the position in the model's output.
Channel 0 is the background (but for streams whose steps are domains, of masks without one) and
channels follow the order in which classes are learned.
Everything after the label maps of ``benchmarks`` speaks channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

__all__ = [
    "BACKGROUND",
    "N_LABELS",
    "VOID",
    "WIDE_VOID",
    "LabelSpace",
    "ZeroIs",
    "ignored_label",
    "table_length",
    "void_label",
]

BACKGROUND: Final = 0
"""Channel of the background, and its dataset id where the masks have one."""

VOID: Final = 255
"""Dataset id and label of unlabelled pixels among up to 255 classes; never a class or channel."""

WIDE_VOID: Final = 65535
"""The same among more than 255 classes, which have masks of 16 bits."""

N_LABELS: Final = 256
"""How many values an 8-bit mask can hold."""

ZeroIs = Literal["background", "class", "unlabelled"]
"""What the value 0 means in a data set's masks.

- "background": the background (VOC).
- "class": a class as any other; the masks have no background (Cityscapes' train ids).
- "unlabelled": no class (ADE20K); like void, it becomes in training what ``train_void`` says, and
  void in tests.
"""


def void_label(n: int) -> int:
    """The dataset id of void among n names, and the label of void among n channels.

    Example:
        >>> void_label(255), void_label(256)
        (255, 65535)
    """
    return VOID if n <= VOID else WIDE_VOID


def ignored_label(ignore_index: int, n_channels: int) -> int:
    """The label that a loss ignores: 255 stands for the void of that many channels.

    Args:
        ignore_index: as a loss is given it.
        n_channels: of the logits.

    Example:
        >>> ignored_label(255, 21), ignored_label(255, 300), ignored_label(-1, 300)
        (255, 65535, -1)
    """
    return void_label(n_channels) if ignore_index == VOID else ignore_index


def table_length(n_names: int) -> int:
    """Entries of a table over the dataset ids: one per id, and the last one for void.

    Up to 255 classes have tables of 256 entries, so that void is its own index too.

    Example:
        >>> table_length(21), table_length(300)
        (256, 301)
    """
    return max(N_LABELS, n_names + 1)


@dataclass(frozen=True)
class LabelSpace:
    """The mapping between dataset ids and channels for one order of learning.

    Args:
        steps: dataset ids learned at each step, background left out, in the order of learning. In a
            domain-incremental stream the first step learns all and the later ones none.
        names: class names by dataset id; ``names[0]`` is the background, or what ``zero_is`` says.
        zero_is: what the value 0 means in the masks.
        has_background: whether channel 0 is the background. Where no step hides a class and the
            masks have no background, channel 0 is a class as any other.

    Example:
        >>> space = LabelSpace(steps=((2, 1), (3,)), names=("background", "a", "b", "c"))
        >>> space.class_order
        (0, 2, 1, 3)
        >>> space.channel_names
        ('background', 'b', 'a', 'c')
        >>> space.channels_of_step(0), space.channels_of_step(1)
        ((0, 1, 2), (3,))
        >>> roads = LabelSpace(steps=((1,), (0,)), names=("road", "car"), zero_is="class")
        >>> roads.class_order, roads.channel_names
        ((255, 1, 0), ('background', 'car', 'road'))
        >>> cities = LabelSpace(((0, 1), ()), ("road", "car"), "class", has_background=False)
        >>> cities.channel_names, cities.n_channels_after(1), cities.is_domain_incremental
        (('road', 'car'), 2, True)
    """

    steps: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    zero_is: ZeroIs = "background"
    has_background: bool = True

    @property
    def background_id(self) -> int:
        """The value that stands for the background in masks: 0; void where 0 is a class."""
        return void_label(len(self.names)) if self.zero_is == "class" else BACKGROUND

    @property
    def void(self) -> int:
        """The label of void in label maps: 255, or 65535 when there are more than 255 channels."""
        return void_label(self.n_channels)

    @cached_property
    def class_order(self) -> tuple[int, ...]:
        """Dataset id of every channel; that of the background, if there is one, comes first."""
        background = (self.background_id,) if self.has_background else ()
        return (*background, *(class_id for step in self.steps for class_id in step))

    @cached_property
    def channel_names(self) -> tuple[str, ...]:
        """Class name of every channel."""
        background = self.names[BACKGROUND] if self.zero_is == "background" else "background"
        first = (background,) if self.has_background else ()
        return (*first, *(self.names[class_id] for class_id in self.class_order[len(first) :]))

    @property
    def n_channels(self) -> int:
        """How many channels there are after the last step, background included."""
        return len(self.class_order)

    @property
    def n_steps(self) -> int:
        """How many steps there are."""
        return len(self.steps)

    @property
    def is_domain_incremental(self) -> bool:
        """Whether there are steps that bring no class: they change images alone."""
        return not all(self.steps)

    def n_channels_after(self, step: int) -> int:
        """How many channels there are after ``step``, background included."""
        return int(self.has_background) + sum(len(group) for group in self.steps[: step + 1])

    def channels_of_step(self, step: int) -> tuple[int, ...]:
        """The channels annotated at ``step``; step 0 includes the background."""
        first = 0 if step == 0 else self.n_channels_after(step - 1)
        return tuple(range(first, self.n_channels_after(step)))

    def to_channels(self, class_ids: Sequence[int]) -> tuple[int, ...]:
        """Channels of the given dataset ids, in the same order."""
        channel_of = {class_id: channel for channel, class_id in enumerate(self.class_order)}
        return tuple(channel_of[class_id] for class_id in class_ids)
