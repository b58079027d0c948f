"""The ridge-Gaussian is measured once for a seed and some classes, and stands beside a report."""

import pytest
from tiny import tiny_dataset

from gsmflow_lite.errors import DataError
from gsmflow_lite.explorer import baseline as module
from gsmflow_lite.explorer.baseline import MOST_REPORTS, Baseline
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.measuring import measure
from gsmflow_lite.shifts.meters import SHIFTS


@pytest.fixture
def dataset():
    return tiny_dataset(seen=6, unseen=4, rows=12)


def test_beside_a_report_stands_what_the_ridge_gaussian_reaches(dataset):
    ridge = RidgeGaussian.fit(dataset)
    classes = dataset.unseen_classes.tolist()
    shifted = Injected(dataset, ridge, variance=0.5)
    report = measure(dataset, shifted, n=20, classes=classes, metrics=SHIFTS)
    plain = measure(dataset, ridge, n=20, classes=classes, metrics=SHIFTS)
    both = Baseline(dataset, n=20, metrics=SHIFTS).beside(report, 0, classes)
    assert [r.beside for r in both.readings] == [r.value for r in plain.readings]
    assert [r.value for r in both.readings] == [r.value for r in report.readings]


def test_it_is_measured_once_and_the_oldest_reports_are_dropped(dataset, monkeypatch):
    measured = []

    def count(*args, seed, **options):
        measured.append(seed)
        return seed

    monkeypatch.setattr(module, "measure", count)
    baseline = Baseline(dataset, n=20, metrics=SHIFTS)
    for seed in (0, 0, 1, 0):
        assert baseline.report(seed, [6, 7]) == seed
    baseline.report(0, [6, 8])
    assert measured == [0, 1, 0]
    for seed in range(2, 2 + MOST_REPORTS):
        baseline.report(seed, [6, 7])
    baseline.report(0, [6, 7])
    assert measured[-1] == 0
    assert len(measured) == 3 + MOST_REPORTS + 1


def test_where_it_cannot_be_measured_the_report_stays_as_it_is(dataset, monkeypatch):
    def fail(*args, **options):
        raise DataError("no rows")

    report = measure(dataset, RidgeGaussian.fit(dataset), n=20, metrics=SHIFTS)
    monkeypatch.setattr(module, "measure", fail)
    assert Baseline(dataset, n=20, metrics=SHIFTS).beside(report, 0, [6, 7]) is report
