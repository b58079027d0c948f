"""Which metric sees which shift: summaries of ladders made by hand, and one small run."""

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite import RealSamples, RidgeGaussian, gaussian_world
from gsmflow_lite.shifts.dose_response import KNOWN, PURE, dose_response, first_seen, proof
from gsmflow_lite.shifts.meters import HEADLINES, METRICS

DOSES = (0.0, 1.0, 2.0, 3.0)
FALLING = [0.9, 0.7, 0.5, 0.1]


def ladder(
    shift: str,
    metric: str,
    values: list[float],
    badness: list[float],
    *,
    seed: int = 0,
    meter: str = "semantic",
    half: float = 0.1,
) -> pd.DataFrame:
    """Rows of one metric under one shift, each with an interval of ``half`` on either side."""
    frame = pd.DataFrame({"dose": DOSES, "value": values, "badness": badness})
    frame["low"] = frame["value"] - half
    frame["high"] = frame["value"] + half
    return frame.assign(shift=shift, metric=metric, meter=meter, seed=seed)


def headlines(own: dict[str, list[float]], others: list[float], seed: int = 0) -> pd.DataFrame:
    """The three headlines under the three shifts; badness is the negative value."""
    ladders = []
    for shift in PURE:
        for meter in PURE:
            values = own[shift] if shift == meter else others
            badness = [-value for value in values]
            ladders.append(ladder(shift, HEADLINES[meter], values, badness, seed=seed))
    return pd.concat(ladders)


def test_the_proof_gives_spearmans_correlation_of_badness_with_the_dose():
    own = {
        "semantic": FALLING,
        "variance": [0.9, 0.5, 0.7, 0.1],
        "structure": [0.1, 0.2, 0.3, 0.4],
    }
    table = proof(headlines(own, [0.5, 0.5, 0.5, 0.6])).query("shift == meter")
    assert table["rank_correlation"].tolist() == pytest.approx([1.0, 0.8, -1.0])


def test_the_proof_counts_the_doses_at_which_the_others_stay_in_their_interval():
    frame = headlines(dict.fromkeys(PURE, FALLING), [0.5, 0.59, 0.41, 0.61])
    table = proof(frame).set_index(["shift", "meter"])
    assert table.loc[("semantic", "variance"), "inside"] == pytest.approx(2 / 3)
    assert table.loc[("semantic", "semantic"), "inside"] == 0


def test_the_lowest_correlation_is_that_of_the_worst_seed():
    good = headlines(dict.fromkeys(PURE, FALLING), [0.5] * 4)
    bad = headlines(dict.fromkeys(PURE, FALLING[::-1]), [0.5] * 4, seed=1)
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
    table = first_seen(ladder("semantic", "agreement", values, values))
    np.testing.assert_equal(table["dose"].to_numpy(), [dose])


def test_a_metric_that_gets_better_under_a_shift_is_told_from_one_that_gets_worse():
    better = ladder("variance", "own class", [0.5, 0.7, 0.8, 0.9], [-0.5, -0.7, -0.8, -0.9])
    worse = ladder("variance", "spread", [1.0, 0.7, 0.5, 0.2], [-1.0, -0.7, -0.5, -0.2])
    table = first_seen(pd.concat([better, worse])).set_index("metric")
    assert table["worse"].to_dict() == {"own class": False, "spread": True}


@pytest.mark.parametrize(("seeing", "dose"), [(2, 1.0), (1, np.nan)])
def test_a_shift_is_seen_if_more_than_half_of_the_seeds_see_it(seeing, dose):
    ladders = [ladder("semantic", "agreement", [0.5] * 4, [0] * 4, seed=9)]
    for seed in range(seeing):
        values = [0.5, 0.9, 0.9, 0.9]
        ladders.append(ladder("semantic", "agreement", values, [0, 1, 1, 1], seed=seed))
    np.testing.assert_equal(first_seen(pd.concat(ladders))["dose"].to_numpy(), [dose])


# --- A small run of the whole ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    dataset = gaussian_world(12, seen=12, unseen=4, attributes=4, samples=40, noise=0.5).dataset
    rows, rest = dataset.split_unseen(seed=0)
    doses = {"variance": (0.0, 0.6), "too wide": (0.0, -0.6)}
    source = RealSamples(dataset, rows)
    return dose_response(rest, source, doses=doses, n=20, repeats=10, known=True)


def test_every_metric_is_measured_at_every_dose_but_the_response_of_real_features(small):
    counts = small.groupby(["shift", "dose"]).size()
    assert len(counts) == 4
    assert set(counts) == {len(METRICS) - 1 + len(KNOWN)}


def test_the_spread_follows_the_square_of_the_injected_factor(small):
    spread = small[small["metric"] == "spread"].set_index(["shift", "dose"])["value"]
    assert spread[("variance", 0.6)] / spread[("variance", 0)] == pytest.approx(0.16, rel=0.02)
    assert spread[("too wide", 0.6)] / spread[("too wide", 0)] == pytest.approx(2.56, rel=0.02)


def test_collapse_improves_precision_and_too_much_spread_recall(small):
    worse = first_seen(small).set_index(["metric", "shift"])["worse"]
    assert not worse[("precision", "variance")]
    assert not worse[("recall, not centred", "too wide")]


def test_each_dose_that_is_done_is_told(make_dataset):
    data = make_dataset()
    events = []
    doses = {"variance": (0.0, 0.5), "mixed": (0.0,)}
    dose_response(data, RidgeGaussian.fit(data), doses=doses, n=20, repeats=2, watch=events.append)
    assert (events[0].name, events[0].total) == ("measuring doses", 3)
    assert [(event.done, event.total) for event in events[1:]] == [(1, 3), (2, 3), (3, 3)]
