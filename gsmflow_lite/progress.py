"""Progress bars made from events, and a way to follow training that survives an interrupt."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from .events import BURST, Epoch, Event, Stage


class ProgressBar:
    """A bar for each stage of the events that it is called with, in terminals and notebooks.

    Use it as ``watch=ProgressBar()``, and close it at the end.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._told = False  # that the loss of this stage has burst

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stage):
            self._open(event)
        elif self._bar is None:
            return
        elif isinstance(event, Epoch):
            self._count_to(event.epoch)
            self._bar.set_postfix(_postfix(event))
            self._tell_burst(event)
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
        self._told = False

    def _tell_burst(self, epoch: Epoch) -> None:
        """Say once in a training that its loss has burst."""
        if epoch.has_burst and not self._told:
            self._told = True
            self._bar.write(burst_in_words(epoch), file=sys.stderr)

    def _count_to(self, done: int) -> None:
        self._bar.update(done - self._bar.n)


def loss_text(loss: float) -> str:
    """Write a loss with three digits after the point, or with three in all where it is large."""
    return f"{loss:.3f}" if abs(loss) < 1000 else f"{loss:.3g}"


def burst_in_words(epoch: Epoch) -> str:
    """Say that the loss has burst, and what may help."""
    return (
        f"the loss has burst: {loss_text(epoch.likelihood)} nats a dimension after epoch "
        f"{epoch.epoch}, where a flow of any use has less than {BURST:g}: lower the learning rate "
        f"({epoch.lr:g}), or scale the features (preprocessing)"
    )


def _postfix(epoch: Epoch) -> dict[str, str]:
    """Return the numbers that stand behind the bar."""
    losses = {"nll": loss_text(epoch.likelihood), "prototype": loss_text(epoch.prototype)}
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

    ``then`` is called after each epoch, say to draw a curve. A loss that burst is said in a line.
    An interrupt (Ctrl-C, or the one of the notebook) is reported in one line, not raised: the model
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
    if history and history[-1].has_burst and not bar:
        print(burst_in_words(history[-1]))
    return history
