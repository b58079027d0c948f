"""The shift injector gives the dose that it says: moments agree with closed forms."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, pdist

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.generators.base import Generator
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.readout import AttributeReadout, seen_means

ROWS = 40


class Fixed:
    """Gives the same features to every call, and remembers the last call."""

    def __init__(self, features: np.ndarray) -> None:
        self.features = torch.from_numpy(features)

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        self.last_call = (n, temperature, seed)
        return self.features[: len(attributes), :n]


@pytest.fixture(scope="module")
def dataset():
    return gaussian_world(12, seen=20, unseen=6, attributes=4, samples=30, noise=0.5).dataset


@pytest.fixture(scope="module")
def source():
    normal = np.random.default_rng(1).standard_normal((6, ROWS, 12))
    return Fixed(normal * np.linspace(0.5, 2, 12) + 5)


@pytest.fixture
def attributes(dataset):
    return torch.from_numpy(dataset.attributes[dataset.unseen_classes])


@pytest.fixture
def shifted(dataset, source, attributes):
    """Features before and after, (M, n, D) in float64."""

    def make(**doses):
        after = Injected(dataset, source, **doses).synthesize(attributes, ROWS)
        return source.features.numpy(), after.numpy().astype(np.float64)

    return make


@pytest.fixture
def shifted_means(shifted):
    """Class means before and after, (M, D)."""

    def make(**doses):
        before, after = shifted(**doses)
        return before.mean(1), after.mean(1)

    return make


def covariances(x: np.ndarray) -> np.ndarray:
    return np.stack([np.cov(features.T) for features in x])


# --- A generator ----------------------------------------------------------------------------------


def test_without_a_dose_the_source_is_left_as_it_is(dataset, attributes, rng):
    scale = 10.0 ** rng.integers(-12, 3, (6, ROWS, 12))
    features = (rng.standard_normal((6, ROWS, 12)) * scale).astype(np.float32)
    same = Injected(dataset, Fixed(features)).synthesize(attributes, ROWS)
    np.testing.assert_array_equal(same, features)


def test_without_a_source_it_shifts_the_real_test_rows_of_the_unseen_classes(dataset, attributes):
    expected = RealSamples(dataset, dataset.test_unseen).synthesize(attributes, 5, seed=3)
    assert torch.equal(Injected(dataset).synthesize(attributes, 5, seed=3), expected)


def test_it_is_a_generator_that_asks_its_source_as_it_was_asked(dataset, source, attributes):
    injected = Injected(dataset, source)
    assert isinstance(injected, Generator)
    features = injected.synthesize(attributes, 7, temperature=0.5, seed=9)
    assert features.shape == (6, 7, 12)
    assert source.last_call == (7, 0.5, 9)


def test_features_are_float32_on_the_cpu_and_do_not_carry_gradients(dataset, attributes):
    half = Fixed(np.ones((6, ROWS, 12)))
    half.features = half.features.half().requires_grad_()
    features = Injected(dataset, half, variance=0.5, semantic=0.1).synthesize(attributes, ROWS)
    assert features.dtype == torch.float32
    assert features.device.type == "cpu"
    assert not features.requires_grad


def test_the_source_is_not_written_to(dataset, attributes, rng):
    features = rng.standard_normal((6, ROWS, 12))
    kept = features.copy()
    injected = Injected(dataset, Fixed(features), variance=0.5, mixed=0.5, structure=1.0)
    injected.synthesize(attributes, ROWS)
    np.testing.assert_array_equal(features, kept)


@pytest.mark.parametrize("shift", ["semantic", "structure", "mixed"])
def test_the_same_seed_gives_the_same_shift_and_another_one_another(
    shift, dataset, source, attributes
):
    def features(seed):
        return Injected(dataset, source, **{shift: 0.5}, seed=seed).synthesize(attributes, ROWS)

    assert torch.equal(features(1), features(1))
    assert not torch.allclose(features(1), features(2), atol=1e-3)


# --- Pure shifts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dose", [-1.0, 0.3, 0.6, 1.0])
def test_variance_scales_every_covariance_by_its_square_and_keeps_the_means(dose, shifted):
    before, after = shifted(variance=dose)
    np.testing.assert_allclose(covariances(after), (1 - dose) ** 2 * covariances(before), atol=1e-5)
    np.testing.assert_allclose(after.mean(1), before.mean(1), atol=1e-5)


@pytest.mark.parametrize("shift", ["semantic", "structure", "towards_seen"])
def test_shifts_of_the_means_keep_every_class_as_it_is_around_its_mean(shift, shifted):
    before, after = shifted(**{shift: 0.7})
    around_before = before - before.mean(1, keepdims=True)
    around_after = after - after.mean(1, keepdims=True)
    np.testing.assert_allclose(around_after, around_before, atol=1e-4)
    assert np.abs(after.mean(1) - before.mean(1)).max() > 0.1


@pytest.mark.parametrize("dose", [0.2, 1.0, 1.7])
def test_semantic_keeps_the_mutual_distances_of_the_means(dose, shifted_means):
    before, after = shifted_means(semantic=dose)
    np.testing.assert_allclose(pdist(after), pdist(before), rtol=1e-5)


@pytest.mark.parametrize("dose", [0.2, 1.0, 1.7])
def test_semantic_turns_what_is_read_by_its_angle_about_the_centre_of_the_seen_classes(
    dose, shifted_means, dataset
):
    visible = AttributeReadout.fit(dataset).visible
    assert visible.shape == (12, 4)  # even, so that no direction is left over
    before, after = (means - seen_means(dataset).mean(0) for means in shifted_means(semantic=dose))
    a = before @ visible
    b = after @ visible

    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    np.testing.assert_allclose((a * b).sum(1) / norms, np.cos(dose * np.pi / 2), atol=1e-5)
    unread = before - a @ visible.T
    np.testing.assert_allclose(after - b @ visible.T, unread, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_semantic_turns_the_way_in_which_the_agreement_of_seen_classes_falls(seed):
    hard = {"noise": 2.0, "curvature": 1.0}
    dataset = gaussian_world(12, seen=20, unseen=6, attributes=4, samples=30, **hard).dataset
    readout = AttributeReadout.fit(dataset)
    attributes = dataset.attributes[dataset.seen_classes]
    described = readout.standardise(attributes)
    source = Fixed(seen_means(dataset)[:, None].repeat(2, 1))

    def agreement(dose):
        injected = Injected(dataset, source, semantic=dose, seed=seed)
        means = injected.synthesize(attributes, 2).mean(1).numpy()
        return np.diag(readout.agreement(readout.read(means), described)).mean()

    agreements = [agreement(dose) for dose in (0, 0.02, 0.1, 0.3, 0.6, 1)]
    assert (np.diff(agreements) < 0).all()


def test_structure_changes_nothing_that_is_read(shifted, dataset):
    readout = AttributeReadout.fit(dataset)
    before, after = shifted(structure=2.0)
    np.testing.assert_allclose(readout.read(after), readout.read(before), atol=1e-4)


def test_structure_moves_every_class_within_one_plane_and_with_another_seed_in_another(
    shifted_means,
):
    moves = []
    for seed in (0, 1):
        before, after = shifted_means(structure=1.0, seed=seed)
        moves.append(after - before)
        assert np.linalg.matrix_rank(moves[-1], tol=1e-3) == 2
    assert np.linalg.matrix_rank(np.vstack(moves), tol=1e-3) == 4


def test_structure_moves_by_its_dose_of_the_distance_of_seen_means_from_their_centre(dataset, rng):
    count = 2000
    attributes = rng.random((count, 4)).astype(np.float32)
    injected = Injected(dataset, Fixed(np.zeros((count, 1, 12))), structure=1.5)
    moves = injected.synthesize(attributes, 1)[:, 0].numpy()

    seen = seen_means(dataset)
    unit = np.square(seen - seen.mean(0)).sum(1).mean()
    squares = np.square(moves).sum(1)
    ratios = squares / unit
    assert abs(ratios.mean() - 1.5**2) < 5 * ratios.std() / np.sqrt(count)
    assert np.linalg.norm(moves.mean(0)) < 5 * np.sqrt(squares.mean() / count)


def test_a_class_moves_the_same_way_whoever_else_is_asked_for(dataset, attributes):
    injected = Injected(dataset, Fixed(np.zeros((6, 1, 12))), structure=1.0, semantic=0.3)
    together = injected.synthesize(attributes, 1)
    alone = injected.synthesize(attributes[[2]], 1, seed=8)
    torch.testing.assert_close(alone[0], together[2])
    pair = injected.synthesize(attributes[[3, 0]], 1, seed=5)
    torch.testing.assert_close(pair, together[[3, 0]])
    assert len(torch.unique(together, dim=0)) == 6  # each in its own direction


# --- Shifts as they happen in life ----------------------------------------------------------------


@pytest.mark.parametrize(("share", "count"), [(0.1, 4), (0.5, 20), (1.0, 40), (0.01, 0)])
def test_mixed_takes_exactly_its_share_from_the_other_classes(share, count, dataset, attributes):
    numbered = np.arange(6.0)[:, None, None].repeat(ROWS, 1).repeat(12, 2)
    injected = Injected(dataset, Fixed(numbered), mixed=share)
    origin = injected.synthesize(attributes, ROWS).numpy()[..., 0]
    np.testing.assert_array_equal((origin != np.arange(6)[:, None]).sum(1), count)
    assert set(np.unique(origin)) <= set(range(6))
    if share == 1:
        assert all(len(np.unique(row)) == 5 for row in origin)  # from all others


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_towards_seen_takes_means_that_share_of_the_way_to_the_nearest_real_seen_mean(
    share, shifted_means, dataset
):
    before, after = shifted_means(towards_seen=share)
    seen = seen_means(dataset)
    nearest = seen[cdist(before, seen).argmin(1)]
    np.testing.assert_allclose(after, (1 - share) * before + share * nearest, atol=1e-5)


def test_several_doses_at_once_add_up(shifted, shifted_means, dataset):
    readout = AttributeReadout.fit(dataset)
    before, both = shifted(variance=0.5, semantic=0.4, structure=1.0)
    _, turned = shifted_means(semantic=0.4)
    np.testing.assert_allclose(covariances(both), covariances(before) / 4, atol=1e-4)
    np.testing.assert_allclose(readout.read(both.mean(1)), readout.read(turned), atol=1e-4)


# --- Doses that cannot be given -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("doses", "message"),
    [
        ({"variance": 1.1}, "variance must be a dose from -inf to 1, got 1.1"),
        ({"variance": -np.inf}, "variance must be finite, got -inf"),
        ({"semantic": -0.1}, "semantic must be a dose from 0 to 2, got -0.1"),
        ({"semantic": 2.1}, "semantic must be a dose from 0 to 2, got 2.1"),
        ({"structure": -1}, "structure must be a dose from 0 to inf, got -1"),
        ({"structure": np.inf}, "structure must be finite, got inf"),
        ({"mixed": 1.5}, "mixed must be a dose from 0 to 1, got 1.5"),
        ({"towards_seen": np.nan}, "towards_seen must be finite, got nan"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_a_dose_that_does_not_exist_is_refused(doses, message, dataset, source):
    with pytest.raises(ConfigError, match=message):
        Injected(dataset, source, **doses)


def test_a_class_alone_cannot_be_mixed(dataset, source, attributes):
    with pytest.raises(DataError, match="ask for at least 2 classes at once, got 1"):
        Injected(dataset, source, mixed=0.5).synthesize(attributes[:1], ROWS)


def test_where_everything_is_read_there_is_no_pure_structure_shift():
    dataset = gaussian_world(4, seen=10, unseen=3, attributes=4).dataset
    attributes = dataset.attributes[dataset.unseen_classes]
    message = "4 features and 4 attributes leave no plane that the attribute readout does not see"
    with pytest.raises(DataError, match=message):
        Injected(dataset, structure=1.0).synthesize(attributes, 5)


def test_where_one_direction_is_read_there_is_no_rotation():
    dataset = gaussian_world(4, seen=10, unseen=3, attributes=1).dataset
    attributes = dataset.attributes[dataset.unseen_classes]
    message = "directions that the attribute readout sees: it needs at least 2, got 1"
    with pytest.raises(DataError, match=message):
        Injected(dataset, semantic=0.5).synthesize(attributes, 5)
