"""Progress bars made from events, and a way to follow training that survives an interrupt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .events import Epoch, Event, Stage


class ProgressBar:
    """A bar for each stage of the events that it is called with, in terminals and notebooks.

    Use it as ``watch=ProgressBar()``, and close it at the end.
    """

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stage):
            self._open(event)
        elif self._bar is None:
            return
        elif isinstance(event, Epoch):
            self._count_to(event.epoch)
            self._bar.set_postfix(_postfix(event))
        elif event.stage == self._bar.desc and event.loss is None:
            self._count_to(event.done)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, stage: Stage) -> None:
        from tqdm.auto import tqdm  # looks for the widgets of a notebook: not at import time

        self.close()
        self._bar = tqdm(total=stage.total, desc=stage.name, leave=False)

    def _count_to(self, done: int) -> None:
        self._bar.update(done - self._bar.n)


def _postfix(epoch: Epoch) -> dict[str, str]:
    """Return the numbers that stand behind the bar."""
    losses = {"nll": f"{epoch.likelihood:.3f}", "prototype": f"{epoch.prototype:.3f}"}
    if epoch.score is None:
        return losses
    return losses | {"score": f"{epoch.score:.1f}"}


def follow(
    events: Iterable[Event],
    *,
    then: Callable[[Epoch], None] | None = None,
    bar: bool = True,
) -> list[Epoch]:
    """Run training to its end, or to an interrupt, and return the epochs that were done.

    ``then`` is called after each epoch, say to draw a curve. An interrupt (Ctrl-C, or the one of
    the notebook) is reported in one line, not raised: the model keeps what it has learnt.
    """
    history: list[Epoch] = []
    with ProgressBar() as progress:
        try:
            for event in events:
                if bar:
                    progress(event)
                if isinstance(event, Epoch):
                    history.append(event)
                    if then is not None:
                        then(event)
        except KeyboardInterrupt:
            print(f"stopped by you after {len(history)} whole epochs: the model is usable as it is")
    return history
