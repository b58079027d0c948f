"""Bars from events, in a terminal and in a notebook alike, and a way to follow training that survives an interrupt."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .events import Epoch, Event, Stage, Step


class ProgressBar:
    """Draws a bar for each stage of the events that it is called with. Use as ``watch=ProgressBar()``; close it when done."""

    def __init__(self) -> None:
        self._bar = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stage):
            self.close()
            from tqdm.auto import tqdm  # asks the notebook for its widgets: not at import time

            self._bar = tqdm(total=event.total, desc=event.name, leave=False)
        elif isinstance(event, Epoch) and self._bar is not None:
            self._bar.update(event.epoch - self._bar.n)
            shown = {"nll": f"{event.likelihood:.3f}", "prototype": f"{event.prototype:.3f}"}
            self._bar.set_postfix(
                shown if event.score is None else shown | {"score": f"{event.score:.1f}"}
            )
        elif (
            isinstance(event, Step)
            and self._bar is not None
            and event.stage == self._bar.desc
            and event.loss is None
        ):
            self._bar.update(event.done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def follow(
    events: Iterable[Event], *, then: Callable[[Epoch], None] | None = None, bar: bool = True
) -> list[Epoch]:
    """Run training to its end, or to Ctrl-C or the kernel's interrupt, and return the epochs that were done.

    ``then`` is called after each epoch, say to draw a curve. An interrupt is reported in one line, not raised: the model
    keeps what it has learnt.
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
