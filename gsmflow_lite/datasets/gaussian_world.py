"""A world whose truth is known: Gaussian classes, whose means follow from their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..arguments import real, whole
from ..errors import DataError, require
from ..seeds import stream
from .arrays import from_arrays
from .base import GZSLDataset
from .inputs import whole_numbers
from .spread import remotest_points

COMPASS = ("east", "north", "up")  # attributes of a world for drawing


@dataclass(frozen=True, eq=False)
class GaussianWorld:
    """Data drawn from known class distributions, and these distributions, in float64 closed form.

    ``dataset`` has the samples. ``means`` and ``covariances`` are the truth of every class, unseen
    ones too. Class numbers are those of the data set. Methods raise ``DataError`` for a class that
    does not exist.
    """

    dataset: GZSLDataset
    means: Float[np.ndarray, "K D"]
    covariances: Float[np.ndarray, "K D D"]

    @cached_property
    def _factors(self) -> Float[np.ndarray, "K D D"]:
        return np.linalg.cholesky(self.covariances)  # lower triangular

    def sample(
        self,
        classes: int | Sequence[int] | Int[np.ndarray, " M"],
        n: int,
        *,
        seed: int = 0,
    ) -> Float[np.ndarray, "M n D"] | Float[np.ndarray, "n D"]:
        """Draw ``n`` fresh samples of each of the classes, or of a single class number."""
        chosen = self._numbers(classes)
        shape = (len(chosen), whole(n, "n", least=1), self.means.shape[1])
        noise = stream(seed, "fresh samples").standard_normal(shape)
        samples = self.means[chosen, None] + noise @ self._factors[chosen].transpose(0, 2, 1)
        return samples[0] if np.ndim(classes) == 0 else samples

    def log_prob(self, features: Float[np.ndarray, "N D"], number: int) -> Float[np.ndarray, " N"]:
        r"""Return the log-density of ``features`` under one class, in nats.

        .. math:: -\tfrac12 \lVert L^{-1}(x - \mu) \rVert^2 - \log\det L - \tfrac{D}{2} \log 2\pi,
            \qquad L L^T = \Sigma
        """
        from scipy.linalg import solve_triangular

        place = self._numbers(number)[0]
        factor = self._factors[place]
        centred = np.asarray(features, np.float64) - self.means[place]
        z = solve_triangular(factor, centred.T, lower=True)
        log_det = np.log(np.diag(factor)).sum()
        return -0.5 * (z**2).sum(0) - log_det - 0.5 * len(factor) * np.log(2 * np.pi)

    def bayes(
        self,
        features: Float[np.ndarray, "N D"],
        classes: Sequence[int] | Int[np.ndarray, " M"] | None = None,
    ) -> Int[np.ndarray, " N"]:
        """Return the most probable class of each row. No classifier does better.

        It is one of ``classes`` (None: all), which are taken to be equally frequent.
        """
        chosen = np.arange(len(self.means)) if classes is None else self._numbers(classes)
        densities = [self.log_prob(features, int(number)) for number in chosen]
        return chosen[np.argmax(densities, axis=0)]

    def _numbers(self, classes: int | Sequence[int] | np.ndarray) -> Int[np.ndarray, " M"]:
        numbers = whole_numbers(np.atleast_1d(np.asarray(classes)), "classes", "")
        if numbers.size == 0 or numbers.min() < 0 or numbers.max() >= len(self.means):
            raise DataError(
                f"classes must be numbers from 0 to {len(self.means) - 1}, got {classes}"
            )
        return numbers


@dataclass(frozen=True, kw_only=True)
class _Sizes:
    """How large a world is, and how much its classes overlap. Raises ``ConfigError``."""

    features: int
    seen: int
    unseen: int
    attributes: int
    samples: int
    noise: float

    def __post_init__(self) -> None:
        least = {"features": 1, "seen": 2, "unseen": 1, "attributes": 1, "samples": 2}
        for name, bound in least.items():
            object.__setattr__(self, name, whole(getattr(self, name), name, least=bound))
        object.__setattr__(self, "noise", real(self.noise, "noise"))
        require(self.noise > 0, "noise must be a number above 0", self.noise)

    @property
    def classes(self) -> int:
        return self.seen + self.unseen

    @property
    def attribute_names(self) -> Sequence[str]:
        for_drawing = _is_small(self.features) and self.attributes <= len(COMPASS)
        return COMPASS[: self.attributes] if for_drawing else ()


def _is_small(features: int) -> bool:
    return features <= 3


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
    r"""Make ``seen + unseen`` Gaussian classes with ``samples`` rows each.

    The same ``seed`` gives the same world.

    With standardised attributes z, the means are :math:`z W + \text{curvature}\, ((z V)^2 - 1) /
    \sqrt 2`, of about unit variance per feature. A larger ``curvature`` takes unseen means further
    from any linear guess. ``noise`` is the within-class standard deviation per feature; larger
    makes classes overlap more. The covariance is full. It is shared by all classes, or, without
    ``shared_covariance``, stretched along each feature by an amount that the attributes set. The
    unseen classes are those nearest to the middle of the attributes, so that seen ones lie around
    them.

    Where None: up to 3 features (for drawing) get 6 seen and 2 unseen classes, as many attributes
    as features, and noise 0.2; more features get 30, 10, 16 and 2.5. Raises ``ConfigError`` for a
    number that is too small.
    """
    usual = _usual_sizes(whole(features, "features", least=1))
    sizes = _Sizes(
        features=features,
        seen=usual.seen if seen is None else seen,
        unseen=usual.unseen if unseen is None else unseen,
        attributes=usual.attributes if attributes is None else attributes,
        samples=samples,
        noise=usual.noise if noise is None else noise,
    )
    features, samples = sizes.features, sizes.samples
    curvature = real(curvature, "curvature")
    rng = stream(seed, "Gaussian world")
    table = remotest_points(sizes.classes, sizes.attributes, rng)
    z = (table - table.mean(0)) / table.std(0)
    means = _means(z, sizes, curvature, rng)
    covariances = sizes.noise**2 * _covariances(z, features, shared_covariance, rng)

    labels = np.repeat(np.arange(sizes.classes), samples)
    from_the_middle = np.argsort(np.linalg.norm(table - table.mean(0), axis=1), kind="stable")
    dataset = from_arrays(
        _samples(means, covariances, samples, rng),
        labels,
        table,
        unseen=np.sort(from_the_middle[: sizes.unseen]),
        attribute_names=sizes.attribute_names,
        name=f"gaussian_world_{features}d",
        seed=seed,
    )
    return GaussianWorld(dataset, means, covariances)


class _UsualSizes(NamedTuple):
    seen: int
    unseen: int
    attributes: int
    noise: float


def _usual_sizes(features: int) -> _UsualSizes:
    if _is_small(features):
        return _UsualSizes(seen=6, unseen=2, attributes=features, noise=0.2)
    return _UsualSizes(seen=30, unseen=10, attributes=16, noise=2.5)


def _means(
    z: Float[np.ndarray, "K A"],
    sizes: _Sizes,
    curvature: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "K D"]:
    for_drawing = _is_small(sizes.features) and sizes.attributes == sizes.features
    if for_drawing:  # there, east is to the right
        means = z @ np.eye(sizes.features)
    else:
        means = z @ _link(sizes.attributes, sizes.features, rng)
    bent = (z @ _link(sizes.attributes, sizes.features, rng)) ** 2
    return means + curvature * (bent - 1) / np.sqrt(2)


def _samples(
    means: Float[np.ndarray, "K D"],
    covariances: Float[np.ndarray, "K D D"],
    count: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "N D"]:
    """Draw ``count`` rows of each class, class after class."""
    classes, features = means.shape
    noise = rng.standard_normal((classes, features, count))
    spread = np.linalg.cholesky(covariances) @ noise
    rows = spread.transpose(0, 2, 1).reshape(classes * count, features)
    return np.repeat(means, count, axis=0) + rows


def _link(
    attributes: int,
    features: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "A D"]:
    """Draw a linear transform that gives features variance one where the attributes have it."""
    return rng.standard_normal((attributes, features)) / np.sqrt(attributes)


def _covariances(
    z: Float[np.ndarray, "K A"],
    features: int,
    shared: bool,
    rng: np.random.Generator,
) -> Float[np.ndarray, "K D D"]:
    """Draw full covariances; shared ones have mean variance one."""
    rotation, _ = np.linalg.qr(rng.standard_normal((features, features)))
    variances = np.exp(rng.uniform(-1, 1, features))  # longest to shortest axis is about e to 1
    common = (rotation * (variances / variances.mean())) @ rotation.T

    stretch = np.exp(0.4 * z @ _link(z.shape[1], features, rng))
    if shared:
        stretch = np.ones_like(stretch)
    return stretch[:, :, None] * common * stretch[:, None, :]
