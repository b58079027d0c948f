"""What a panel remembers: the settings before each move, and the settings that were tried."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .state import Settings, unsealed

if TYPE_CHECKING:
    import pandas as pd

ONE_MOVE = 1.0  # seconds: faster changes of one control are undone together
KEPT = 200  # steps of undo, and lines of the log


class History:
    """The settings before each move, so that moves can be undone.

    A move is a change of one control (``control`` is its name) or of several together (``control``
    is empty). Changes of one control that follow each other within a second are one move.
    """

    def __init__(self, settings: Settings) -> None:
        self._past: list[Settings] = []
        self.begin_at(settings)

    def begin_at(self, settings: Settings) -> None:
        """Go on from these settings; the next change is a move of its own."""
        self.now = settings
        self._control = ""
        self._moment = 0.0

    def move(self, settings: Settings, control: str) -> None:
        """Note that the settings have changed."""
        moment = time.monotonic()
        same_control = bool(control) and control == self._control
        if not (same_control and moment - self._moment < ONE_MOVE):
            self._past = [*self._past[1 - KEPT :], self.now]
        self.now = settings
        self._control = control
        self._moment = moment

    def back(self) -> Settings:
        """Take the last move out, and return the settings before it."""
        return self._past.pop()

    @property
    def can_go_back(self) -> bool:
        """Whether there is a move to undo."""
        return bool(self._past)


class Log:
    """The settings that were tried, each once, with their scores; the latest stand last."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def add(self, state: str, scores: Mapping[str, float]) -> None:
        """Note the scores of settings, given as the text of a state."""
        others = [line for line in self.lines if line["state"] != state]
        rounded = {name: round(float(score), 3) for name, score in scores.items()}
        self.lines = [*others[1 - KEPT :], {"state": state, **rounded}]

    def unseal(self) -> None:
        """Write all states in plain text."""
        self.lines = [line | {"state": unsealed(line["state"])} for line in self.lines]

    def table(self) -> pd.DataFrame:
        """A row for each state: its text in ``state``, and a column for each score."""
        import pandas as pd

        return pd.DataFrame(self.lines)
