"""Which metric sees which shift: the summaries against hand-made ladders, and one small run of the whole."""

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite import RealSamples, gaussian_world
from gsmflow_lite.shifts.dose_response import KNOWN, PURE, dose_response, first_seen, proof
from gsmflow_lite.shifts.estimates import METRICS
from gsmflow_lite.shifts.report import HEADLINES

DOSES = (0.0, 1.0, 2.0, 3.0)


def ladder(
    shift: str,
    metric: str,
    values,
    badness,
    *,
    seed: int = 0,
    meter: str = "semantic",
    half: float = 0.1,
) -> list[dict]:
    """Rows of one metric under one shift, each with an interval of ``half`` on either side."""
    return [
        {"shift": shift, "dose": d, "seed": seed, "meter": meter, "metric": metric, "value": v, "low": v - half,
         "high": v + half, "badness": b}
        for d, v, b in zip(DOSES, values, badness, strict=True)
    ]  # fmt: skip


def frame_of_headlines(own: dict[str, list[float]], others: list[float]) -> pd.DataFrame:
    rows = []
    for shift in PURE:
        for meter in PURE:
            values = own[shift] if shift == meter else others
            rows += ladder(shift, HEADLINES[meter], values, [-v for v in values])
    return pd.DataFrame(rows)


def test_the_proof_gives_spearmans_correlation_of_badness_with_the_dose():
    own = {
        "semantic": [0.9, 0.7, 0.5, 0.1],
        "variance": [0.9, 0.5, 0.7, 0.1],
        "structure": [0.1, 0.2, 0.3, 0.4],
    }
    table = proof(frame_of_headlines(own, [0.5, 0.5, 0.5, 0.6])).set_index(["shift", "meter"])
    found = [table.loc[(shift, shift), "rank_correlation"] for shift in PURE]
    assert found == pytest.approx([1.0, 0.8, -1.0])


def test_the_proof_counts_the_doses_at_which_the_others_stay_in_their_interval():
    own = {shift: [0.9, 0.7, 0.5, 0.1] for shift in PURE}
    table = proof(frame_of_headlines(own, [0.5, 0.59, 0.41, 0.61])).set_index(["shift", "meter"])
    assert table.loc[("semantic", "variance"), "inside"] == pytest.approx(2 / 3)
    assert table.loc[("semantic", "semantic"), "inside"] == 0


def test_the_lowest_correlation_is_that_of_the_worst_seed():
    good = frame_of_headlines({shift: [0.9, 0.7, 0.5, 0.1] for shift in PURE}, [0.5] * 4)
    bad = frame_of_headlines({shift: [0.1, 0.5, 0.7, 0.9] for shift in PURE}, [0.5] * 4).assign(
        seed=1
    )
    own = proof(pd.concat([good, bad])).query("shift == meter")
    assert own["rank_correlation"].tolist() == pytest.approx([0, 0, 0])
    assert own["lowest"].tolist() == pytest.approx([-1, -1, -1])


@pytest.mark.parametrize(
    ("values", "dose"),
    [
        ([0.5, 0.7, 0.8, 0.9], 1.0),
        ([0.5, 0.7, 0.5, 0.9], 3.0),  # it came back in between
        ([0.5, 0.55, 0.8, 0.2], 2.0),
        ([0.5, 0.55, 0.45, 0.5], np.nan),
    ],
)
def test_a_metric_sees_a_shift_from_the_dose_on_at_which_it_has_left_its_interval_for_good(
    values, dose
):
    table = first_seen(pd.DataFrame(ladder("semantic", "agreement", values, values)))
    np.testing.assert_equal(table["dose"].to_numpy(), [dose])


def test_a_metric_that_gets_better_under_a_shift_is_told_from_one_that_gets_worse():
    rows = ladder("variance", "own class", [0.5, 0.7, 0.8, 0.9], [-0.5, -0.7, -0.8, -0.9])
    rows += ladder(
        "variance", "spread", [1.0, 0.7, 0.5, 0.2], [-1.0, -0.7, -0.5, -0.2], meter="variance"
    )
    assert first_seen(pd.DataFrame(rows)).set_index("metric")["worse"].to_dict() == {
        "own class": False,
        "spread": True,
    }


@pytest.mark.parametrize(("seeing", "dose"), [(2, 1.0), (1, np.nan)])
def test_a_shift_is_seen_if_more_than_half_of_the_seeds_see_it(seeing, dose):
    rows = ladder("semantic", "agreement", [0.5] * 4, [0] * 4, seed=9)
    for seed in range(seeing):
        rows += ladder("semantic", "agreement", [0.5, 0.9, 0.9, 0.9], [0, 1, 1, 1], seed=seed)
    np.testing.assert_equal(first_seen(pd.DataFrame(rows))["dose"].to_numpy(), [dose])


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    world = gaussian_world(12, seen=12, unseen=4, attributes=4, samples=40, noise=0.5)
    rows, rest = world.dataset.split_unseen(seed=0)
    doses = {"variance": (0.0, 0.6), "too wide": (0.0, -0.6)}
    return dose_response(
        rest, RealSamples(world.dataset, rows), doses=doses, n=20, repeats=10, known=True
    )


def test_every_metric_is_measured_at_every_dose(small):
    counts = small.groupby(["shift", "dose"]).size()
    assert set(counts) == {
        len(METRICS) - 1 + len(KNOWN)
    }  # real features cannot answer to a permuted attribute


def test_the_spread_follows_the_square_of_the_injected_factor(small):
    spread = small[small["metric"] == "spread"].set_index(["shift", "dose"])["value"]
    assert spread[("variance", 0.6)] / spread[("variance", 0)] == pytest.approx(0.16, rel=0.02)
    assert spread[("too wide", 0.6)] / spread[("too wide", 0)] == pytest.approx(2.56, rel=0.02)


def test_collapse_improves_precision_and_too_much_spread_recall(small):
    table = first_seen(small).set_index(["metric", "shift"])["worse"]
    assert not table[("precision", "variance")]
    assert not table[("recall, not centred", "too wide")]
