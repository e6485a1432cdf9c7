"""A step's loss as named terms, computed in one place from everything that a method may need.

An :class:`Objective` maps a :class:`StepBatch` to weighted terms; the loss is their sum. Objectives
add up by :func:`combine`, which computes those that share their work in one pass.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor

from avalanche_seg.system import check_number

__all__ = [
    "DenseOutput",
    "Objective",
    "StepBatch",
    "TeacherTerm",
    "combine",
    "reads_classes",
]


class DenseOutput(Protocol):
    """What objectives read of a model's output, such as ``models.SegmentationOutput``."""

    @property
    def logits(self) -> Tensor:
        """Floating point, B x C x h x w, at the model's own stride."""

    @property
    def aux(self) -> Sequence[Tensor]:
        """Logits of the auxiliary heads, each B x C x h_i x w_i."""

    @property
    def features(self) -> Mapping[str, Tensor]:
        """Feature maps by the name of their tap."""


@dataclass(frozen=True)
class StepBatch:
    """A mini-batch of an incremental step, as objectives and pseudo-labels see it.

    Attributes:
        images: floating point, B x 3 x H x W, normalised.
        target: class labels, int64, B x H x W; where there is none 255, or 65535 when the output
            has more than 255 channels.
        output: the student's; None in a pass over the data before the training.
        n_old: classes before this step, background included; 0 at step 0.
        step: number of the step.
        teacher: the output of the frozen previous model; None at step 0, and where nobody needs it.
        weight: of every image (B) or pixel (B x H x W) in the classification loss; None for 1.
        extras: further tensors of the samples by name, such as saliency maps.
        hides_old: whether labels of this step may call earlier classes background; False in a step
            that brings other images and no class.

    Example:
        >>> import torch
        >>> images, target = torch.zeros(2, 3, 4, 6), torch.zeros(2, 4, 6, dtype=torch.long)
        >>> batch = StepBatch(images, target, output=None, n_old=16, step=1)
        >>> batch.size, batch.teacher
        ((4, 6), None)
    """

    images: Tensor
    target: Tensor
    output: Any
    n_old: int
    step: int
    teacher: Any = None
    weight: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    hides_old: bool = True

    @property
    def n_hidden(self) -> int:
        """How many classes the labels may call background, itself included; 0 for none."""
        return self.n_old if self.hides_old else 0

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the label map, at which the published losses are taken."""
        return self.target.shape[-2], self.target.shape[-1]


@runtime_checkable
class Objective(Protocol):
    """A loss as a sum of named terms."""

    @property
    def needs_teacher(self) -> bool:
        """Whether ``StepBatch.teacher`` must be there from step 1 on."""

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """The weighted terms of a batch by name, scalars; none where the objective has nothing."""


def reads_classes(objective: Objective) -> bool:
    """Whether an objective takes channel k of the logits for class k.

    It says so by an attribute ``channels_are_classes``. With a model that has other channels too
    (``n_extra``, ``background="none"``) it would learn the wrong ones.
    """
    return bool(getattr(objective, "channels_are_classes", False))


@dataclass(frozen=True)
class TeacherTerm(ABC):
    """An objective of one weighted term between student and teacher; nothing at step 0.

    Attributes:
        weight: factor of the term.
        name: of the term in logs and messages.

    Raises:
        ValueError: for a weight that is negative or not finite.

    Example:
        >>> import torch
        >>> class Gap(TeacherTerm):
        ...     name = "gap"
        ...
        ...     def term(self, batch):
        ...         return (batch.output - batch.teacher).abs().sum()
        >>> nothing, ours, theirs = torch.empty(0), torch.tensor([3.0]), torch.tensor([1.0])
        >>> Gap(10.0)(StepBatch(nothing, nothing, ours, n_old=2, step=1, teacher=theirs))
        {'gap': tensor(20.)}
        >>> Gap(10.0)(StepBatch(nothing, nothing, ours, n_old=0, step=0))
        {}
    """

    weight: float

    name: ClassVar[str] = ""
    needs_teacher: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight)

    @abstractmethod
    def term(self, batch: StepBatch) -> Tensor:
        """The term of a batch that has a teacher, before it is weighted; a scalar."""

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """The weighted term by its name."""
        return {} if batch.teacher is None else {self.name: self.weight * self.term(batch)}


@dataclass(frozen=True)
class _Sum:
    parts: tuple[Objective, ...]

    @property
    def needs_teacher(self) -> bool:
        return any(part.needs_teacher for part in self.parts)

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        for part in self.parts:
            for name, value in part(batch).items():
                terms[name] = terms[name] + value if name in terms else value
        return terms


def combine(objectives: Iterable[Objective]) -> Objective:
    """The sum of several objectives; terms of the same name add up.

    An objective may have a method ``fuse(other) -> Objective | None``, which gives an objective of
    the same terms as both together when it can compute them in one pass.

    Args:
        objectives: in the order in which their terms are added.

    Returns:
        one objective; an empty one has no term.

    Example:
        >>> from types import SimpleNamespace
        >>> import torch
        >>> from avalanche_seg.losses import CriterionObjective, CrossEntropy
        >>> output = SimpleNamespace(logits=torch.zeros(1, 2, 1, 1), aux=(), features={})
        >>> target = torch.zeros(1, 1, 1, dtype=torch.long)
        >>> batch = StepBatch(torch.zeros(1, 3, 1, 1), target, output, n_old=0, step=0)
        >>> twice = combine([CriterionObjective(CrossEntropy())] * 2)
        >>> {name: round(value.item(), 4) for name, value in twice(batch).items()}  # 2 log 2
        {'classification': 1.3863}
    """
    parts: list[Objective] = []
    for objective in objectives:
        for place, earlier in enumerate(parts):
            fuse = getattr(earlier, "fuse", None)
            fused = None if fuse is None else fuse(objective)
            if fused is not None:
                parts[place] = fused
                break
        else:
            parts.append(objective)
    return parts[0] if len(parts) == 1 else _Sum(tuple(parts))
