"""Two lenses: PCA as in scikit-learn, a map that stays, a cache that may be lost at any time."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from gsmflow_lite.errors import DataError
from gsmflow_lite.events import Stage
from gsmflow_lite.figures import projection
from gsmflow_lite.figures.points import Points
from gsmflow_lite.figures.projection import Projection, geometric_median
from gsmflow_lite.storage import cache_folder


def clusters(seed: int, rows: int = 40, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds far apart: features (3 rows, width) and labels (3 rows,)."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), rows)
    return rng.standard_normal((3 * rows, width)) * np.linspace(0.5, 2, width) + 12 * np.eye(
        3, width
    )[labels], labels


@pytest.fixture(scope="session")
def warm_cache(tmp_path_factory) -> Path:
    """A cache with the maps that several tests fit, so that UMAP compiles and runs once."""
    return tmp_path_factory.mktemp("maps")


@pytest.fixture(autouse=True)
def cache(warm_cache, monkeypatch) -> Path:
    monkeypatch.setenv("GSMFLOW_CACHE", str(warm_cache))
    return warm_cache


@pytest.fixture
def fitted() -> Projection:
    return Projection.fit(clusters(0)[0])


@pytest.fixture
def no_umap(monkeypatch):
    """Any attempt to lay a map out fails."""

    def refuse(*_, **__):
        raise AssertionError("the map was laid out anew")

    monkeypatch.setattr(projection, "lay_out", refuse)


@pytest.fixture
def cheap_layout(monkeypatch):
    """A stand-in for UMAP that takes no time: the first two columns."""
    monkeypatch.setattr(projection, "lay_out", lambda x, *_, **__: x[:, :2].astype(np.float32))


def test_the_linear_lens_is_that_of_scikit_learn_up_to_sign(fitted):
    features, new = clusters(0)[0], clusters(1)[0]
    oracle = PCA(2).fit(features)
    np.testing.assert_allclose(
        np.abs(fitted.pca(new)), np.abs(oracle.transform(new)), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(fitted.explained, oracle.explained_variance_ratio_)


def test_the_map_keeps_separate_classes_apart(fitted):
    labels = clusters(0)[1]
    middle = np.stack([fitted.umap_real[labels == k].mean(0) for k in range(3)])
    distances = np.linalg.norm(fitted.umap_real[:, None] - middle, axis=2)
    assert (distances.argmin(1) == labels).all()


def test_the_map_does_not_move_when_features_are_placed(fitted):
    before = fitted.umap_real.copy()
    fitted.place(clusters(1)[0] + 100)
    np.testing.assert_array_equal(fitted.umap_real, before)


def test_a_real_feature_is_placed_on_itself(fitted):
    np.testing.assert_allclose(fitted.place(fitted.features), fitted.umap_real, atol=1e-6)


def test_a_new_feature_is_placed_among_its_own_class(fitted):
    features, labels = clusters(1)
    nearest = np.linalg.norm(fitted.place(features)[:, None] - fitted.umap_real, axis=2).argmin(1)
    assert (clusters(0)[1][nearest] == labels).all()


def test_a_feature_between_two_clusters_is_placed_in_one_and_not_in_the_void():
    places = np.array([[[0.0, 0.0], [0.1, 0.0], [0.0, 0.1], [10.0, 0.0], [10.0, 0.1]]])
    median = geometric_median(places, np.ones((1, 5)))
    assert np.linalg.norm(median) < 0.5  # their mean is at 4


def test_the_distance_to_the_nearest_real_feature_is_found_by_brute_force(fitted):
    new = clusters(1)[0]
    table = np.linalg.norm(new[:, None] - fitted.features, axis=2)
    distance, row = fitted.nearest(new)
    np.testing.assert_allclose(distance, table.min(1))
    np.testing.assert_array_equal(row, table.argmin(1))


def test_what_is_far_from_all_real_features_is_told_by_its_distance(fitted):
    inside, outside = (
        fitted.nearest(fitted.features[:5])[0],
        fitted.nearest(fitted.features[:5] + 50)[0],
    )
    assert (inside < fitted.usual_distance).all()
    assert (outside > 10 * fitted.usual_distance).all()


def test_equal_rows_and_a_seed_give_one_map(tmp_path, monkeypatch):
    features = np.repeat(clusters(0, rows=10)[0], 3, axis=0)
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    maps = [Projection.fit(features, seed=3, cache=False).umap_real for _ in range(2)]
    np.testing.assert_array_equal(*maps)
    assert not list(tmp_path.iterdir())


def test_more_rows_than_the_most_are_sampled_with_the_seed_and_it_is_said(cheap_layout):
    features = clusters(0)[0]
    one, same, other = (Projection.fit(features, most=50, seed=s, cache=False) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.rows, same.rows)
    assert not np.array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(one.features, features[one.rows])
    assert "50 of 120 real rows, drawn with seed 1" in one.describe
    np.testing.assert_allclose(
        np.abs(one.pca(features)), np.abs(PCA(2).fit_transform(features)), atol=1e-9
    )  # of all rows


def test_stages_are_told_in_their_order():
    events = []
    Projection.fit(clusters(2, rows=8)[0], cache=False, watch=events.append)
    assert [e.name for e in events if isinstance(e, Stage)] == [
        "neighbours",
        "import umap",
        "layout",
    ]


def test_a_map_from_the_cache_equals_the_first_one(fitted, no_umap):
    again = Projection.fit(clusters(0)[0])
    np.testing.assert_array_equal(again.umap_real, fitted.umap_real)


@pytest.mark.parametrize("changes", [{"seed": 1}, {"neighbours": 7}, {"features": 1.0}])
def test_another_seed_setting_or_feature_is_not_taken_from_the_cache(changes, fitted, no_umap):
    features = clusters(0)[0] + changes.pop("features", 0)
    with pytest.raises(AssertionError, match="laid out anew"):
        Projection.fit(features, **changes)


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("*.map")
    return path


DAMAGES = {
    "cut short": lambda content: content[:-50],
    "empty": lambda content: b"",
    "one bit flipped": lambda content: content[:300] + bytes([content[300] ^ 1]) + content[301:],
    "something else": lambda content: b"not a map" * 40,
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_cache_file_is_made_anew(what, tmp_path, monkeypatch, cheap_layout):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    expected = Projection.fit(clusters(0)[0]).umap_real
    path = the_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[what](whole))
    np.testing.assert_array_equal(Projection.fit(clusters(0)[0]).umap_real, expected)
    assert path.read_bytes() == whole


class Explosive:
    """Unpickling it would make a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def test_a_pickle_in_the_cache_is_not_run(tmp_path, monkeypatch, cheap_layout):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "maps"))
    expected = Projection.fit(clusters(0)[0]).umap_real
    body, trace = io.BytesIO(), tmp_path / "trace"
    np.save(body, np.array([Explosive(trace)], object), allow_pickle=True)
    the_file(tmp_path / "maps").write_bytes(
        body.getvalue() + hashlib.sha256(body.getvalue()).digest()
    )
    np.testing.assert_array_equal(Projection.fit(clusters(0)[0]).umap_real, expected)
    assert not trace.exists()


def test_a_cache_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch, cheap_layout):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "file" / "maps"))
    assert Projection.fit(clusters(0)[0]).umap_real.shape == (120, 2)


def test_the_cache_is_in_the_home_folder_unless_the_environment_says_otherwise(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("GSMFLOW_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "gsmflow_lite"


def test_points_of_one_class_and_of_all_others_keep_their_places_and_rows(rng):
    pca, umap = rng.standard_normal((2, 6, 2))
    points = Points(pca, umap, np.array([0, 1, 2, 1, 0, 2]), np.arange(500, 506))
    one, others = points.of(1), points.without([1])
    np.testing.assert_array_equal(one.rows, [501, 503])
    np.testing.assert_array_equal(one.through("umap"), umap[[1, 3]])
    np.testing.assert_array_equal(others.labels, [0, 2, 0, 2])
    np.testing.assert_array_equal(others.through("pca"), pca[[0, 2, 4, 5]])


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_the_nearest_other_row_is_never_the_row_itself(copies, cheap_layout):
    features = np.repeat(clusters(0)[0], copies, axis=0)
    fitted = Projection.fit(features, cache=False)
    between = np.linalg.norm(features[:, None] - features, axis=2)
    np.fill_diagonal(between, np.inf)
    distance, row = fitted.nearest_other
    np.testing.assert_allclose(distance, between.min(1), atol=1e-6)
    assert (row != np.arange(len(features))).all()
    np.testing.assert_allclose(between[np.arange(len(row)), row], between.min(1), atol=1e-6)


def test_the_usual_distance_holds_95_in_a_hundred_nearest_others(fitted):
    assert np.mean(fitted.nearest_other[0] <= fitted.usual_distance) == pytest.approx(
        0.95, abs=0.01
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: Projection.fit(np.ones((3, 5))), "at least 4 rows and 2 columns"),
        (lambda p: Projection.fit(np.ones(5)), "must be a matrix"),
        (lambda p: Projection.fit(np.full((5, 5), np.nan)), "must be finite, got 25 values"),
        (lambda p: p.place(np.ones((2, 5))), "must have 6 columns.*got 5"),
        (lambda p: p.pca(np.ones((2, 7))), "must have 6 columns.*got 7"),
        (
            lambda p: Points(np.ones((3, 2)), np.ones((2, 2)), np.ones(3), np.ones(3)),
            r"umap must have shape \(3, 2\)",
        ),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_plain_words(fitted, call, message):
    with pytest.raises(DataError, match=message):
        call(fitted)


def test_importing_the_package_loads_nothing_that_draws_or_maps():
    code = "import sys, gsmflow_lite, gsmflow_lite.figures; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    heavy = {"plotly", "umap", "numba", "ipywidgets", "matplotlib", "seaborn", "IPython"}
    assert heavy.isdisjoint(done.stdout.split())


def test_drawing_a_map_leaves_the_number_of_threads_alone():
    code = """
import torch
torch.set_num_threads(1)
import numpy as np
from gsmflow_lite.figures.projection import Projection
Projection.fit(np.random.default_rng(0).standard_normal((30, 3)), cache=False)
print(torch.get_num_threads())
"""  # in a process of its own: umap does it when it is imported
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout.strip() == "1"


def test_the_linear_lens_alone_is_that_of_the_whole_projection(fitted, no_umap):
    alone, new = Projection.linear(clusters(0)[0]), clusters(1)[0]
    np.testing.assert_allclose(alone.pca(new), fitted.pca(new))
    np.testing.assert_allclose(alone.explained, fitted.explained)


def test_without_a_map_places_are_unknown_but_neighbours_are_not(fitted, no_umap):
    alone, new = Projection.linear(clusters(0)[0]), clusters(1)[0]
    assert np.isnan(alone.umap_real).all()
    places, distance, rows = alone.placed(new)
    assert np.isnan(places).all()
    for one, other in zip((distance, rows), fitted.nearest(new), strict=True):
        np.testing.assert_allclose(one, other)


def test_a_map_that_was_made_before_places_as_the_one_that_made_it(fitted, no_umap):
    features, new = clusters(0)[0], clusters(1)[0]
    ready = Projection.ready(
        features, fitted.umap_real, neighbours=fitted.neighbours, seed=fitted.seed
    )
    np.testing.assert_allclose(ready.place(new), fitted.place(new))
    assert ready.describe == fitted.describe


@pytest.mark.parametrize("shape", [(119, 2), (120, 3), (120,)])
def test_a_map_of_other_features_is_refused(shape):
    with pytest.raises(DataError, match=r"a place for each row of features, \(120, 2\), got \("):
        Projection.ready(clusters(0)[0], np.zeros(shape), neighbours=3, seed=0)


def test_one_search_gives_the_place_and_the_nearest_row_of_a_loop(fitted):
    new = clusters(1)[0][::9]
    places, distance, rows = fitted.placed(new)
    np.testing.assert_allclose(places, fitted.place(new))
    between = np.array([[np.linalg.norm(a - b) for b in clusters(0)[0]] for a in new])
    np.testing.assert_array_equal(rows, between.argmin(1))
    np.testing.assert_allclose(distance, between.min(1))


def test_the_nearest_row_is_numbered_among_all_that_were_given(cheap_layout):
    features = clusters(0)[0]
    some = Projection.fit(features, most=30, cache=False)
    rows = some.placed(features[some.rows[:5]])[2]
    np.testing.assert_array_equal(rows, some.rows[:5])
