"""Training that can be stopped at any moment and goes on to the same weights, bit for bit."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.checkpoint.arithmetic import ArithmeticLog
from avalanche_seg.plugins.checkpoint.resuming import (
    PARTS,
    STEP_CLOCK,
    RestOfLoader,
    check_settings,
    grow,
    load_plugin_states,
    restore,
    stateful_plugins,
    strategy_state,
)
from avalanche_seg.plugins.checkpoint.state_file import read_state, write_state
from avalanche_seg.plugins.checkpoint.stopping import stop_agreed
from avalanche_seg.system import (
    any_rank,
    broadcast,
    get_random_state,
    is_main,
    least_of_ranks,
    set_random_state,
)

__all__ = ["CheckpointPlugin"]


class CheckpointPlugin(SegmentationPlugin):
    """Saves the whole state of a training after every epoch, and goes on from it.

    Saved are model, optimizer, gradient scale, every plugin that has a ``state_dict`` (teacher,
    importances, exemplars), the random generators and the position in the step. List it last. Of
    several processes the main one writes.

    Example::

        checkpoint = CheckpointPlugin("runs/mine/checkpoint.pt")
        strategy = MiB(..., plugins=[PolyLRPlugin(), checkpoint])
        for experience in checkpoint.remaining(strategy, benchmark.train_stream):
            strategy.train(experience, eval_streams=[])
            strategy.eval([benchmark.test_stream[experience.current_experience]])

    The same script, started again after a kill, goes on after the last finished epoch.

    Args:
        path: the file; the state before the last is kept beside it.
        settings: plain values that must be the same when going on (flags, a data fingerprint).
        also: further objects with ``state_dict`` and ``load_state_dict``, by name.
        every_iterations: save within epochs too, after every so many iterations.

    Attributes:
        stop: set it (from a signal handler) and the training saves its state after the current
            iteration and raises KeyboardInterrupt; an evaluation stops after its current batch.
        arithmetic: threads, processes, device, precision and version, where they changed.

    Raises:
        ValueError: when ``every_iterations`` is less than one.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        settings: Mapping[str, Any] | None = None,
        also: Mapping[str, Any] | None = None,
        every_iterations: int | None = None,
    ) -> None:
        super().__init__()
        if every_iterations is not None and every_iterations < 1:
            raise ValueError(f"every_iterations={every_iterations}; expected one or more, or None")
        self.path = Path(path)
        self.settings = dict(settings or {})
        self.also = dict(also or {})
        self.every_iterations = every_iterations
        self.stop = False
        self.arithmetic = ArithmeticLog()
        self._loaded: dict[str, Any] | None = None
        self._epochs_done = 0
        self._batches_done = 0
        self._evaluated = self._common_batches = 0
        self._epoch_start: dict[str, Any] = {}
        self._train_epochs: int | None = None

    # ------------------------------------------------------------------------------------ going on

    def remaining(self, strategy: Any, stream: Iterable[Any]) -> list[Any]:
        """The experiences that are left to train: all of them when nothing was saved.

        The model of ``strategy``, new as its class makes it, grows through the finished steps here;
        its weights are put in when the training of the current one begins. A step whose training
        was finished is given once more: it trains no further epoch.

        Args:
            strategy: the strategy that has this plugin.
            stream: the experiences to train, in order. A state saved at another step than theirs
                is left alone.

        Raises:
            ValueError: when the saved state is damaged, or was made with other settings; when
                processes find different ones.
        """
        experiences = list(stream)
        loaded = read_state(self.path, parts=PARTS)
        if loaded is not None and loaded["step"] not in [e.current_experience for e in experiences]:
            loaded = None
        position = None if loaded is None else [loaded[n] for n in ("step", "epochs", "batches")]
        if broadcast(position) != position:
            raise ValueError(
                f"{self.path} is not the same file for every process; use a folder that all "
                "machines share"
            )
        self._loaded = loaded
        if loaded is None:
            return experiences
        check_settings(loaded["settings"], self.settings, self.path)
        # States of earlier versions do not tell.
        self.arithmetic.go_on(loaded.get("arithmetic", ()), strategy, self.path)
        for experience in experiences:
            if experience.current_experience < loaded["step"]:
                grow(strategy, experience)
        return [e for e in experiences if e.current_experience >= loaded["step"]]

    def before_training(self, strategy: Any, **kwargs: Any) -> None:
        """Count epochs as the strategy was told to, also after an earlier training broke off."""
        if self._train_epochs is not None:
            strategy.train_epochs = self._train_epochs

    def before_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Put the plugins' states in before the step's data are chosen: replay needs its memory."""
        if self._loaded_for(strategy) is not None:
            load_plugin_states(strategy, self._loaded_for(strategy)["plugins"])

    def _loaded_for(self, strategy: Any) -> Any:
        loaded, step = self._loaded, strategy.experience.current_experience
        return loaded if loaded is not None and loaded["step"] == step else None

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Put the saved state in when it is of this step.

        Raises:
            ValueError: when a plugin with a state comes later in the strategy's list.
        """
        later = strategy.plugins[strategy.plugins.index(self) + 1 :]
        for plugin in stateful_plugins(strategy).values():
            if plugin in later:
                raise ValueError(
                    f"{type(plugin).__name__} is listed after CheckpointPlugin and would begin the "
                    "step once more after its state was put in; list CheckpointPlugin last"
                )
        self._epochs_done = self._batches_done = 0
        self._train_epochs = strategy.train_epochs
        loaded = self._loaded = self._loaded_for(strategy)
        if loaded is None:
            return
        restore(strategy, loaded, self.also)
        self._epochs_done = loaded["epochs"]
        strategy.train_epochs = self._train_epochs - self._epochs_done

    def before_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """Note the random state that the epoch starts with; skip batches that were trained on."""
        self.arithmetic.note(strategy, self._epochs_done)
        loaded, self._loaded = self._loaded, None
        self._batches_done = 0
        if loaded is not None:
            # The clock forgot its place in the step after before_training_exp.
            for name in STEP_CLOCK:
                setattr(strategy.clock, name, loaded["clock"][name])
            self._batches_done = loaded["batches"]
        if self._batches_done == 0:
            self._epoch_start = get_random_state()
            return
        assert loaded is not None
        self._epoch_start = loaded["epoch_start"]
        set_random_state(self._epoch_start)
        strategy.dataloader = RestOfLoader(
            strategy.dataloader, self._batches_done, loaded["random"]
        )

    # -------------------------------------------------------------------------------------- saving

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Save when it is due, or when the training is to stop."""
        self._batches_done += 1
        due = self.every_iterations and self._batches_done % self.every_iterations == 0
        stop = stop_agreed(self.stop, self._batches_done, strategy.device)
        if due or stop:
            self._save(strategy, {"train_exp_iterations": 1, "train_iterations": 1})
        if stop:
            self._interrupt()

    def after_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """Save."""
        if isinstance(strategy.dataloader, RestOfLoader):
            strategy.dataloader = strategy.dataloader.loader
        self._epochs_done += 1
        self._batches_done = 0
        self._save(strategy, {"train_exp_epochs": 1})
        if any_rank(self.stop):
            self._interrupt()

    def before_eval_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Count how many batches every process has: some have one more than others."""
        self._evaluated, self._common_batches = 0, least_of_ranks(len(strategy.dataloader))

    def after_eval_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Stop when asked to; the training is saved."""
        self._evaluated += 1
        if self._evaluated > self._common_batches:
            return
        if stop_agreed(self.stop, self._evaluated, strategy.device):
            self._interrupt()

    def after_eval_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Stop when asked to in the last batches."""
        if any_rank(self.stop):
            self._interrupt()

    def _interrupt(self) -> None:
        any_rank(False)  # Wait until the main process has written.
        saved = f"the state is in {self.path}" if self.path.exists() else "nothing was to be saved"
        raise KeyboardInterrupt(f"stopped; {saved}")

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Give the strategy its number of epochs back."""
        strategy.train_epochs = self._train_epochs

    def _save(self, strategy: Any, ticks: Mapping[str, int]) -> None:
        if not is_main():
            return
        state = {
            "settings": self.settings,
            "arithmetic": self.arithmetic.entries,
            "step": strategy.experience.current_experience,
            "epochs": self._epochs_done,
            "batches": self._batches_done,
            "epoch_start": self._epoch_start if self._batches_done else {},
            **strategy_state(strategy, self.also, ticks),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_state(self.path, state)
