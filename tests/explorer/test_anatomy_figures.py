"""The figures show the arrays of their journeys and densities, in the right space and step."""

import numpy as np
import pytest
from flows import A, normal, random_model

from gsmflow_lite.datasets.crescents import TURN
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.anatomy import (
    Density,
    box_around,
    density,
    grid_lines,
    normal_circles,
    to_data,
    to_noise,
)
from gsmflow_lite.explorer.anatomy_figures import (
    along,
    anatomy_figure,
    anatomy_replay,
    anatomy_still,
    density_strip,
)


@pytest.fixture
def journeys():
    model, a = random_model(), normal(1, A, seed=2)
    x, z = normal(30, 2).numpy(), normal(30, 2, seed=8).numpy()
    target = density(model, a, (-25, 25, -25, 25), cells=100)
    there = to_noise(model, x, a), to_noise(model, grid_lines(box_around(x), 5, 6), a)
    back = to_data(model, z, a), to_data(model, grid_lines((-3, 3, -3, 3), 5, 6), a)
    return there, back, target


def xy(trace) -> np.ndarray:
    return np.stack([trace.x, trace.y], axis=1)


def test_towards_noise_the_left_shows_the_start_and_the_right_the_step(journeys):
    (points, grid), _, target = journeys
    traces = anatomy_figure(points, grid, 3, target=target).data
    for trace, expected in zip(
        traces,
        [
            grid.points[0],
            target.lines(),
            points.points[0],
            grid.points[3],
            normal_circles(),
            points.points[3],
        ],
        strict=True,
    ):
        np.testing.assert_allclose(xy(trace), expected, rtol=1e-5, atol=1e-6)


def test_towards_data_the_right_shows_the_start_and_the_left_the_step(journeys):
    _, (points, grid), target = journeys
    traces = anatomy_figure(points, grid, 2, target=target).data
    np.testing.assert_allclose(xy(traces[2]), points.points[2], rtol=1e-5)
    np.testing.assert_allclose(xy(traces[0]), grid.points[2], rtol=1e-5)
    np.testing.assert_allclose(xy(traces[5]), points.points[0], rtol=1e-5)


def test_the_heading_says_which_step_is_shown(journeys):
    (points, grid), (back, back_grid), _ = journeys
    headings = [note.text for note in anatomy_figure(points, grid, 2).layout.annotations]
    assert headings[:2] == ["data, where they begin", "after 2 of 5 moves (block 1, sideways)"]
    headings = [note.text for note in anatomy_figure(back, back_grid, 1).layout.annotations]
    assert headings[:2] == [
        "after 1 of 5 moves (block 2 undone, up and down)",
        "noise, where they begin",
    ]


def test_both_sides_have_one_scale_for_both_axes(journeys):
    (points, grid), _, target = journeys
    layout = anatomy_figure(points, grid, 0, target=target).layout
    assert (layout.yaxis.scaleanchor, layout.yaxis2.scaleanchor) == ("x", "x2")
    for x, y in ((layout.xaxis, layout.yaxis), (layout.xaxis2, layout.yaxis2)):
        assert np.diff(x.range) == pytest.approx(np.diff(y.range))


def test_a_point_keeps_its_colour_through_all_steps(journeys):
    (points, grid), _, _ = journeys
    colours = [anatomy_figure(points, grid, step).data[5].marker.color for step in (0, 4)]
    np.testing.assert_array_equal(colours[0], colours[1])


def test_a_point_has_one_colour_in_all_panels_of_a_still(journeys):
    (points, grid), _, _ = journeys
    panels = [axes.collections[0].get_array() for axes in anatomy_still(points, grid).axes]
    assert all(
        np.array_equal(shades, anatomy_figure(points, grid, 0).data[2].marker.color)
        for shades in panels
    )


def test_points_carry_their_rows_on_both_sides(journeys):
    (points, grid), _, _ = journeys
    traces = anatomy_figure(points, grid, 2).data
    assert [list(traces[i].customdata[:, 0]) for i in (2, 5)] == [list(range(30))] * 2


def test_colours_follow_the_longest_axis_of_the_cloud(rng):
    cloud = rng.standard_normal((50, 2)) * (5, 1e-6) @ TURN.T
    np.testing.assert_array_equal(along(cloud).argsort(), cloud[:, 0].argsort())


@pytest.mark.parametrize("way", [0, 1])
def test_a_replay_has_the_arrays_of_every_step_in_the_frames_of_the_moving_side(journeys, way):
    (points, grid), moving = journeys[way], 3 * (way == 0)
    figure = anatomy_replay(points, grid, target=journeys[2])
    assert len(figure.frames) == len(figure.layout.sliders[0].steps) == len(points)
    for step, frame in enumerate(figure.frames):
        assert frame.traces == tuple(range(6))  # plotly drops the traces that a frame leaves out
        np.testing.assert_allclose(xy(frame.data[moving]), grid.points[step], rtol=1e-5)
        np.testing.assert_allclose(xy(frame.data[moving + 2]), points.points[step], rtol=1e-5)
        assert all(frame.data[i].x is None for i in range(6) if i not in (moving, moving + 2))


def test_a_still_has_a_panel_for_each_place_with_the_points_there(journeys):
    (points, grid), _, target = journeys
    figure = anatomy_still(points, grid, target=target)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(points.names)
    for step, axes in enumerate(figure.axes):
        np.testing.assert_allclose(axes.collections[0].get_offsets(), points.points[step])
        np.testing.assert_allclose(axes.lines[0].get_xydata(), grid.points[step])
        assert axes.get_aspect() == 1


def test_a_still_prints_the_mean_log_det_of_each_move(journeys):
    (points, grid), _, _ = journeys
    texts = [axes.get_xlabel() for axes in anatomy_still(points, grid).axes]
    assert texts[0] == ""
    assert texts[1:] == [f"log-det {value:+.2f}" for value in points.log_dets[1:].mean(1)]


@pytest.mark.parametrize("way", [0, 1])
def test_a_still_draws_curves_around_the_data_and_circles_around_the_noise(journeys, way):
    figure = anatomy_still(*journeys[way], target=journeys[2])
    outlines = [axes.lines[1].get_xydata() for axes in figure.axes if len(axes.lines) > 1]
    expected = [journeys[2].lines(), normal_circles()]
    for found, wanted in zip(outlines, expected if way == 0 else expected[::-1], strict=True):
        np.testing.assert_allclose(found, wanted)


def test_a_strip_shows_each_density_the_right_way_up_and_in_one_scale():
    tall, flat = (
        Density(np.outer(np.arange(1.0, 5), rows), (0, 2, 1, 5)) for rows in ([3, 1], [1, 0.5])
    )
    figure = density_strip(
        {"tall": tall, "flat": flat}, {"flat": np.array([[1.0, 2.0], [0.5, 4.0]])}
    )
    for axes, d in zip(figure.axes, (tall, flat), strict=True):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), d.values)
        assert (image.origin, list(image.get_extent()), image.get_clim()) == (
            "lower",
            [0, 2, 1, 5],
            (0, 12),
        )
        np.testing.assert_allclose(axes.lines[0].get_xydata(), d.lines())
    assert [len(axes.collections) for axes in figure.axes] == [0, 1]
    np.testing.assert_array_equal(figure.axes[1].collections[0].get_offsets(), [[1, 2], [0.5, 4]])


def test_points_of_no_density_are_refused():
    d = Density(np.ones((2, 2)), (0, 1, 0, 1))
    with pytest.raises(
        DataError, match=r"points must have the names of densities \(a\), got \['b'\]"
    ):
        density_strip({"a": d}, {"b": np.zeros((1, 2))})


def test_words_of_the_caller_are_text_in_both_figures(journeys):
    (points, grid), _, _ = journeys
    figure = anatomy_figure(points, grid, 0, title="<b>$x$", caption="<i>")
    assert figure.layout.title.text == "&lt;b&gt;&#36;x&#36;"
    assert "&lt;i&gt;" in [note.text for note in figure.layout.annotations]
    assert anatomy_still(points, grid, title="$x$").get_suptitle() == r"\$x\$"


@pytest.mark.parametrize("draw", [lambda p, g: anatomy_figure(p, g, 0), anatomy_still])
def test_points_and_grid_of_different_journeys_are_refused(journeys, draw):
    (points, _), (_, grid), _ = journeys
    with pytest.raises(
        DataError,
        match="points and grid must have made the same journey: use the same model and direction",
    ):
        draw(points, grid)


@pytest.mark.parametrize("step", [-1, 6])
def test_a_step_that_is_not_on_the_way_is_refused(journeys, step):
    (points, grid), _, _ = journeys
    with pytest.raises(ConfigError, match=f"step must be from 0 to 5, got {step}"):
        anatomy_figure(points, grid, step)
