"""Figures of a study show what its table says."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.runs.study_figures import study_interactive, study_still
from gsmflow_lite.runs.tables import STUDY_SCORES
from gsmflow_lite.shifts.meters import SHIFTS

ROWS = ("ridge-gaussian", "lite", "no $semantics$ <b>")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Two data sets, three rows, four seeds; of the last row one seed failed."""
    rng = np.random.default_rng(3)
    lines = [
        {"dataset": d, "preset": "lite/glyphs", "variant": row, "seed": seed, "status": "done"}
        | {name: 50 + 10 * i + rng.normal() for name in (*STUDY_SCORES, *SHIFTS)}
        for d in ("glyphs", "flowers")
        for i, row in enumerate(ROWS)
        for seed in range(4)
    ]
    table = pd.DataFrame(lines)
    table.loc[len(table) - 1, "status"] = "failed"
    return table


def values(frame, dataset, row, score) -> np.ndarray:
    own = frame[
        (frame["dataset"] == dataset) & (frame["variant"] == row) & (frame["status"] == "done")
    ]
    return own.set_index("seed")[score]


def interval(found) -> tuple[float, float]:
    return stats.t.interval(0.95, len(found) - 1, loc=np.mean(found), scale=stats.sem(found))


def bars(axes) -> list[tuple[float, float]]:
    """Ends of the error bars: lines with gaps, between the bar and its caps."""
    return sorted(
        (np.nanmin(x), np.nanmax(x))
        for line in axes.lines
        if np.isnan(x := np.asarray(line.get_xdata(), float)).any()
    )


def test_the_still_has_the_intervals_of_students_t(frame):
    axes = study_still(frame, scores=("harmonic",)).axes[0]
    expected = sorted(
        interval(values(frame, d, row, "harmonic")) for d in ("glyphs", "flowers") for row in ROWS
    )
    np.testing.assert_allclose(bars(axes), expected)


def test_the_still_has_a_small_mark_for_each_finished_seed(frame):
    axes = study_still(frame, scores=("zsl",)).axes[0]
    drawn = np.sort(
        np.concatenate([np.asarray(dots.get_offsets())[:, 0] for dots in axes.collections])
    )
    np.testing.assert_allclose(drawn, np.sort(frame.loc[frame["status"] == "done", "zsl"]))


def test_a_seed_stands_on_the_line_of_its_row(frame):
    axes = study_still(frame[frame["dataset"] == "glyphs"], scores=("zsl",)).axes[0]
    (dots,) = axes.collections
    for x, y in np.asarray(dots.get_offsets()):
        row = ROWS[round(y - 0.1)]
        assert x in values(frame, "glyphs", row, "zsl").to_numpy()


def test_differences_are_drawn_seed_by_seed_without_the_reference(frame):
    axes = study_still(frame, reference="lite", scores=("harmonic",)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "ridge-gaussian",
        r"no \$semantics\$ <b>",
    ]
    gains = [
        (values(frame, d, row, "harmonic") - values(frame, d, "lite", "harmonic")).dropna()
        for d in ("glyphs", "flowers")
        for row in (ROWS[0], ROWS[2])
    ]
    np.testing.assert_allclose(bars(axes), sorted(interval(found) for found in gains))
    assert [line for line in axes.lines if list(line.get_xdata()) == [0, 0]]


def test_the_legend_names_data_sets_only_where_there_are_two(frame):
    (legend,) = study_still(frame).legends
    assert [text.get_text() for text in legend.get_texts()] == ["glyphs", "flowers"]
    assert study_still(frame[frame["dataset"] == "glyphs"]).legends == []


def test_the_interactive_figure_says_the_same(frame):
    figure = study_interactive(frame, scores=("harmonic", "variance"))
    means = [trace for trace in figure.data if trace.error_x.array is not None]
    for trace, (score, dataset) in zip(
        means,
        [(s, d) for s in ("harmonic", "variance") for d in ("glyphs", "flowers")],
        strict=True,
    ):
        expected = [interval(values(frame, dataset, row, score)) for row in ROWS]
        found = np.stack([trace.x - trace.error_x.array, trace.x + trace.error_x.array], axis=1)
        np.testing.assert_allclose(found, expected)
        assert trace.customdata[:, 1].tolist() == [4, 4, 3 if dataset == "flowers" else 4]
    dots = [trace for trace in figure.data if trace.error_x.array is None]
    assert sum(len(trace.x) for trace in dots) == 2 * 23


def test_names_are_text_in_the_interactive_figure(frame):
    figure = study_interactive(frame, title="<i>t</i>")
    assert figure.layout.yaxis.ticktext[2] == "no &#36;semantics&#36; &lt;b&gt;"
    assert figure.layout.title.text == "&lt;i&gt;t&lt;/i&gt;"
    assert [trace.name for trace in figure.data if trace.showlegend] == ["glyphs", "flowers"]


@pytest.mark.parametrize("draw", [study_still, study_interactive])
def test_one_seed_has_a_mean_and_no_interval(draw, frame):
    draw(frame[frame["seed"] == 0])


@pytest.mark.parametrize("draw", [study_still, study_interactive])
def test_nothing_to_draw_is_refused(draw, frame):
    with pytest.raises(DataError, match="needs a finished row"):
        draw(frame.assign(status="failed"))
    with pytest.raises(DataError, match="scores must be among seen, unseen"):
        draw(frame, scores=("accuracy",))
    with pytest.raises(ConfigError, match="reference must be a row"):
        draw(frame, reference="nobody")


def test_rows_whose_names_are_cut_short_alike_stay_apart(frame):
    long = "without semantics, learning rate "
    table = frame[frame["dataset"] == "glyphs"].replace(
        {"variant": {ROWS[0]: long + "0.001", ROWS[1]: long + "0.01"}}
    )
    axes = study_still(table, scores=("harmonic",)).axes[0]
    places = sorted(
        {round(float(y)) for dots in axes.collections for y in dots.get_offsets()[:, 1]}
    )
    assert places == [0, 1, 2]
    means = [
        float(x)
        for line in axes.lines
        for x in line.get_xdata()
        if line.get_marker() not in (None, "None", "")
    ]
    expected = [
        values(table, "glyphs", row, "harmonic").mean()
        for row in (long + "0.001", long + "0.01", ROWS[2])
    ]
    np.testing.assert_allclose(sorted(means), sorted(expected), atol=1e-6)
    assert len(axes.get_yticklabels()) == 3


def test_means_and_seeds_are_grouped_alike_where_only_some_data_have_a_score(frame):
    table = frame.assign(
        preset=frame["dataset"].map({"glyphs": "lite/glyphs", "flowers": "lite/features"})
    )
    table.loc[table["dataset"] == "flowers", "variance"] = np.nan
    seeds, means = study_interactive(table, scores=("variance",)).data
    assert (len(seeds.x), len(means.x)) == (12, 3)
