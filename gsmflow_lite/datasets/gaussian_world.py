"""A world whose truth is known: every class is a Gaussian whose mean is a known function of its attributes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import ConfigError, DataError
from ..seeds import stream
from .arrays import from_arrays
from .base import GZSLDataset


@dataclass(frozen=True, eq=False)
class GaussianWorld:
    """Data drawn from known class distributions, and these distributions, in float64 closed form.

    ``dataset`` has the samples; ``means`` (K, D) and ``covariances`` (K, D, D) are the truth of every class, unseen ones
    too. Class numbers are those of the data set. Methods raise ``DataError`` for a class that is not there.
    """

    dataset: GZSLDataset
    means: np.ndarray
    covariances: np.ndarray

    @cached_property
    def _factors(self) -> np.ndarray:
        return np.linalg.cholesky(self.covariances)  # (K, D, D), lower triangular

    def sample(self, classes, n: int, *, seed: int = 0) -> np.ndarray:
        """``n`` fresh samples of each of the ``classes`` (M,): (M, n, D), or (n, D) for a single class number."""
        noise = stream(seed, "fresh samples").standard_normal(
            (np.size(classes), n, self.means.shape[1])
        )
        chosen = self._numbers(classes)
        drawn = self.means[chosen, None] + noise @ self._factors[chosen].transpose(0, 2, 1)
        return drawn[0] if np.ndim(classes) == 0 else drawn

    def log_prob(self, features: np.ndarray, number: int) -> np.ndarray:
        r"""Log-density in nats of ``features`` (N, D) under one class, (N,).

        .. math:: -\tfrac12 \lVert L^{-1}(x - \mu) \rVert^2 - \log\det L - \tfrac{D}{2} \log 2\pi, \qquad L L^T = \Sigma
        """
        from scipy.linalg import solve_triangular

        number = self._numbers(number)[0]
        factor, centred = (
            self._factors[number],
            np.asarray(features, np.float64) - self.means[number],
        )
        z = solve_triangular(factor, centred.T, lower=True)
        return (
            -0.5 * (z**2).sum(0)
            - np.log(np.diag(factor)).sum()
            - 0.5 * len(factor) * np.log(2 * np.pi)
        )

    def bayes(self, features: np.ndarray, classes=None) -> np.ndarray:
        """The most probable of ``classes`` (all where None, equally frequent) for each row of ``features`` (N, D): (N,).

        No classifier does better.
        """
        chosen = np.arange(len(self.means)) if classes is None else self._numbers(classes)
        return chosen[np.argmax([self.log_prob(features, k) for k in chosen], axis=0)]

    def _numbers(self, classes) -> np.ndarray:
        numbers = np.atleast_1d(np.asarray(classes, np.int64))
        if numbers.size == 0 or numbers.min() < 0 or numbers.max() >= len(self.means):
            raise DataError(
                f"classes must be numbers from 0 to {len(self.means) - 1}, got {classes}"
            )
        return numbers


def gaussian_world(
    features: int = 64,
    *,
    seen: int | None = None,
    unseen: int | None = None,
    attributes: int | None = None,
    samples: int = 100,
    noise: float | None = None,
    curvature: float = 0.0,
    shared_covariance: bool = True,
    seed: int = 0,
) -> GaussianWorld:
    r"""Make a world of ``seen + unseen`` Gaussian classes, ``samples`` rows each; the same ``seed`` gives the same world.

    With standardised attributes z, the means are :math:`z W + \text{curvature}\, ((z V)^2 - 1) / \sqrt 2`, of about unit
    variance per feature. Larger ``curvature`` takes unseen means further from any linear guess. ``noise`` is the
    within-class standard deviation per feature; larger makes classes overlap more. The covariance is full and
    ``shared_covariance`` by all classes, or else stretched along each feature by an amount that the attributes set.
    The unseen classes are those nearest to the middle of attribute space, so that seen ones lie around them.

    Where None: 2 features (for drawing) get 6 seen and 2 unseen classes, 2 attributes, noise 0.2; more features get
    30, 10, 16 and 2.5. Raises ``ConfigError`` for a number that is too small.
    """
    small = features <= 3
    seen, unseen = (
        (6 if small else 30) if seen is None else seen,
        (2 if small else 10) if unseen is None else unseen,
    )
    attributes = (features if small else 16) if attributes is None else attributes
    noise = (0.2 if small else 2.5) if noise is None else noise
    _check(features, seen, unseen, attributes, samples, noise)
    rng = stream(seed, "Gaussian world")
    table = _spread_points(seen + unseen, attributes, rng)
    z = (table - table.mean(0)) / table.std(0)
    plain = small and attributes == features  # in a drawing, 'east' is to the right
    means = z @ (np.eye(features) if plain else _link(attributes, features, rng))
    means += curvature * ((z @ _link(attributes, features, rng)) ** 2 - 1) / np.sqrt(2)
    covariances = noise**2 * _covariances(z, features, shared_covariance, rng)
    middle = np.argsort(np.linalg.norm(table - table.mean(0), axis=1), kind="stable")
    labels = np.repeat(np.arange(seen + unseen), samples)
    spread = np.linalg.cholesky(covariances) @ rng.standard_normal((len(means), features, samples))
    drawn = means[labels] + spread.transpose(0, 2, 1).reshape(len(labels), features)
    dataset = from_arrays(
        drawn,
        labels,
        table,
        unseen=np.sort(middle[:unseen]),
        attribute_names=["east", "north", "up"][:attributes] if small and attributes <= 3 else (),
        name=f"gaussian_world_{features}d",
        seed=seed,
    )
    return GaussianWorld(dataset, means, covariances)


def _check(
    features: int, seen: int, unseen: int, attributes: int, samples: int, noise: float
) -> None:
    """Refuse a world that no data set can be made of."""
    for name, value, least in (
        ("features", features, 1),
        ("seen", seen, 2),
        ("unseen", unseen, 1),
        ("attributes", attributes, 1),
        ("samples", samples, 2),
    ):
        if value < least:
            raise ConfigError(f"{name} must be at least {least}, got {value}")
    if not (np.isfinite(noise) and noise > 0):
        raise ConfigError(f"noise must be a number above 0, got {noise}")


def _spread_points(n: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """Points (n, dimensions) in the unit cube, each the remotest of 30 draws, so that no two classes coincide."""
    points = rng.random((1, dimensions))
    while len(points) < n:
        draws = rng.random((30, dimensions))
        nearest = np.linalg.norm(draws[:, None] - points, axis=2).min(1)
        points = np.vstack([points, draws[nearest.argmax()]])
    return points


def _link(attributes: int, features: int, rng: np.random.Generator) -> np.ndarray:
    """A linear map (A, D) that keeps variance one per feature where the attributes have it."""
    return rng.standard_normal((attributes, features)) / np.sqrt(attributes)


def _covariances(
    z: np.ndarray, features: int, shared: bool, rng: np.random.Generator
) -> np.ndarray:
    """Full covariances (K, D, D), of mean variance one per feature where shared."""
    rotation, _ = np.linalg.qr(rng.standard_normal((features, features)))
    variances = np.exp(rng.uniform(-1, 1, features))  # longest to shortest axis about e to 1
    base = (rotation * (variances / variances.mean())) @ rotation.T
    stretch = (
        np.exp(0.4 * z @ _link(z.shape[1], features, rng)) * (not shared) + 1.0 * shared
    )  # (K, D)
    return stretch[:, :, None] * base * stretch[:, None, :]
