"""Networks of other libraries and of one's own as incremental learners."""

from avalanche_seg.models.adapting.adapter import AdaptedModel, as_incremental
from avalanche_seg.models.adapting.by_name import library_model, library_names

__all__ = ["AdaptedModel", "as_incremental", "library_model", "library_names"]
