"""The table of mechanisms: which parts of the method can be switched off, and by which setting.

Panels, trained flows and the ablation read names, labels and settings from here. The prototype
loss and boundary mining have no switch in the panels: a switch that moves nothing teaches nothing
(docs/results.md says what they are worth).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..config import Config


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """A part of the method that can be switched off, and the one setting that does it.

    The setting is the field ``setting`` of the ``section`` of a ``Config``. The mechanism is off
    where that field has the value ``off``; any other value switches it on.
    """

    name: str  #: a field of :class:`gsmflow_lite.generators.zoo.Mechanisms`, if ``switched``
    label: str  #: what a switch shows
    help: str  #: what it does, in a few words
    section: str  #: "model" or "training"
    setting: str
    off: Any
    published: bool = True  #: whether it is of the papers; if not, it is off as published
    switched: bool = True  #: whether flows with it and without it come with the package

    def value(self, config: Config) -> Any:
        """The setting's value in ``config``."""
        return getattr(getattr(config, self.section), self.setting)

    def is_on(self, config: Config) -> bool:
        """Whether ``config`` uses this mechanism."""
        return self.value(config) != self.off

    def with_value(self, config: Config, value: Any) -> Config:
        """``config`` with another value of the setting."""
        section = replace(getattr(config, self.section), **{self.setting: value})
        return replace(config, **{self.section: section})

    def without(self, config: Config) -> Config:
        """``config`` with this mechanism switched off."""
        return self.with_value(config, self.off)


_TABLE = (
    Mechanism(
        name="semantics",
        label="semantics",
        help="Every coupling block reads the description",
        section="model",
        setting="semantics",
        off="none",
    ),
    Mechanism(
        name="positioning",
        label="relative positioning",
        help="The description is seen from three anchor classes",
        section="model",
        setting="relative_positioning",
        off=False,
    ),
    Mechanism(
        name="prototype",
        label="prototype loss",
        help="The typical sample is tied to the real class mean",
        section="training",
        setting="prototype_weight",
        off=0.0,
        switched=False,
    ),
    Mechanism(
        name="perturbation",
        label="perturbation",
        help="Noise on the features in training",
        section="training",
        setting="perturbation",
        off=0.0,
    ),
    Mechanism(
        name="mining",
        label="boundary mining",
        help="Training samples near the class boundaries",
        section="training",
        setting="mining",
        off=None,
        switched=False,
    ),
    Mechanism(
        name="start",
        label="ridge start",
        help="Not of the papers: the flow starts from a ridge-Gaussian",
        section="model",
        setting="start",
        off="none",
        published=False,
    ),
)

#: Every mechanism by its name, in the order in which panels show them.
MECHANISMS = {mechanism.name: mechanism for mechanism in _TABLE}
#: Those with a switch in panels that show flows which come trained.
SWITCHES = {name: mechanism for name, mechanism in MECHANISMS.items() if mechanism.switched}
