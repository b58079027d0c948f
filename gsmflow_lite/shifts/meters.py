"""The meters and their metrics by name: the three generation shifts, and an overall view.

Every metric is measured on repeated random halves (:mod:`.halves`). In each of R repeats the real
rows of a class are split into a first and a second half of h rows, and h of the synthesized rows
are drawn. The *value* compares the synthesized rows with the first half. The *ceiling* compares the
second half with the first: real rows with real rows, and as many of them. The *floor* is what
shuffled labels would give; each meter says what its floor is.

A repeat uses half of the rows. Its scatter is about that of an estimate from all rows where both
sides have as many rows, and larger where one side has more. So intervals are rather wide than
narrow. A metric that trains a classifier trains it anew in every repeat, so the intervals of
two-sample tests are about twice as wide as need be.

To add a metric, write its formula in :mod:`.metrics`. Then open the file of its meter, and add a
``Metric``, a function that estimates it, and a line for both in the ``Meter`` at the end of the
file. Reports, tables, figures and command lines take it from here.
"""

from __future__ import annotations

from .meter import Meter
from .overall import OVERALL
from .semantic import SEMANTIC
from .structure import STRUCTURE
from .variance import VARIANCE

ALL_METERS: tuple[Meter, ...] = (SEMANTIC, VARIANCE, STRUCTURE, OVERALL)

METERS = tuple(meter.name for meter in ALL_METERS)
SHIFTS = METERS[:3]  # the three generation shifts, each with its meter
HEADLINES = {meter.name: meter.headline.name for meter in ALL_METERS}

METRICS = tuple(metric for meter in ALL_METERS for metric in meter.metrics)
BY_NAME = {metric.name: metric for metric in METRICS}
MEASUREMENTS = tuple(step for meter in ALL_METERS for step in meter.measurements)
