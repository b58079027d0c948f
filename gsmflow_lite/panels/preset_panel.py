"""A panel with presets: choosing one fills in the settings of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..config import Config
from .panel import Panel
from .training_settings import config_of, settings_of


class PresetPanel(Panel):
    """A panel whose control ``preset`` fills in others. All of that is one move, for undo as well.

    ``presets`` are settings by name. :attr:`config` is the chosen preset with what was changed.
    """

    def __init__(
        self,
        controls: Mapping[str, Any],
        presets: Mapping[str, Config],
        *,
        name: str,
        hide: Sequence[str] = (),
        start: str = "",
    ) -> None:
        self.presets = dict(presets)
        # Before the panel follows it: so the panel sees the preset and all it fills in at once.
        controls["preset"].observe(self._preset_picked, names="value")
        super().__init__(controls, name=name, hide=hide, start=start)

    @property
    def preset(self) -> Config:
        """The preset that is chosen."""
        return self.presets[self.settings["preset"]]

    @property
    def config(self) -> Config:
        """The settings of a training that is started now."""
        return config_of(self.settings, self.preset)

    def set(self, **values: Any) -> None:
        """Change settings together. A preset fills in those that are not named beside it.

        Raises ``ConfigError`` as every panel does.
        """
        preset = self.presets.get(values.get("preset", ""))
        filled_in = {} if preset is None else settings_of(preset)
        super().set(**filled_in | values)

    def _preset_picked(self, change: Mapping[str, Any]) -> None:
        if self.quiet:
            return
        with self.quietly():
            for key, value in settings_of(self.presets[change["new"]]).items():
                self.controls[key].value = value
