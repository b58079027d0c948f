"""What the ridge-Gaussian of the same data reaches, measured once for a seed and some classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..generators.ridge_gaussian import RidgeGaussian
from ..shifts.measuring import measure
from ..shifts.report import ShiftReport

MOST_REPORTS = 8  # that are kept; the oldest are dropped


class Baseline:
    """Reports on the ridge-Gaussian of ``dataset``, with ``n`` features a class.

    ``metrics`` are as in :func:`gsmflow_lite.shifts.measuring.measure`.
    """

    def __init__(self, dataset: GZSLDataset, *, n: int, metrics: Sequence[str]) -> None:
        self.dataset = dataset
        self.n = n
        self.metrics = metrics
        self._reports: dict[tuple[int, ...], ShiftReport] = {}

    @cached_property
    def generator(self) -> RidgeGaussian:
        """The ridge-Gaussian, fitted when it is first needed."""
        return RidgeGaussian.fit(self.dataset)

    def report(self, seed: int, classes: Sequence[int]) -> ShiftReport:
        """Return the report on these classes; it is measured only once."""
        key = (seed, *classes)
        if key not in self._reports:
            self._reports[key] = measure(
                self.dataset,
                self.generator,
                n=self.n,
                seed=seed,
                classes=classes,
                metrics=self.metrics,
            )
        while len(self._reports) > MOST_REPORTS:
            del self._reports[next(iter(self._reports))]
        return self._reports[key]

    def beside(self, report: ShiftReport, seed: int, classes: Sequence[int]) -> ShiftReport:
        """Return ``report`` with what the ridge-Gaussian reaches beside it, if it can be fitted."""
        try:
            return report.beside(self.report(seed, classes))
        except DataError:
            return report
