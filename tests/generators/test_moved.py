"""Classes that are moved in latent space, against Gaussians in closed form and autograd."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from gsmflow_lite import DataError, RealSamples, RidgeGaussian
from gsmflow_lite.config import ModelConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.generators.moved import MovedClasses, latents
from gsmflow_lite.method.training import new_model


@pytest.fixture(scope="module")
def data():
    return gaussian_world(3, seen=8, unseen=3, attributes=4, samples=20).dataset


@pytest.fixture(scope="module")
def flow(data):
    """A flow of random weights that is far from the identity."""
    model = new_model(data, ModelConfig(blocks=2, hidden=8, embedding=4))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def moved(source, data, rng):
    attributes = data.attributes[data.unseen_classes]
    shifts = rng.standard_normal((len(attributes), data.features.shape[1]))
    shifts[1] = 0
    return MovedClasses(source, attributes, shifts), shifts


def test_a_moved_class_of_the_ridge_gaussian_is_the_gaussian_at_the_moved_mean(data, rng):
    source = RidgeGaussian.fit(data)
    generator, shifts = moved(source, data, rng)
    x = torch.from_numpy(data.features[data.test_unseen])
    every = torch.from_numpy(data.attributes)
    found = generator.log_prob(x, every).numpy()

    root = source.start.root.double().numpy()
    means = source.start.means(every).double().numpy()
    means[data.unseen_classes] += shifts @ root.T
    for k in (0, *data.unseen_classes):
        expected = multivariate_normal(means[k], root @ root.T).logpdf(x.double().numpy())
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-4, atol=1e-3)


def test_what_the_ridge_gaussian_synthesizes_of_a_moved_class_is_moved_as_its_mean(data, rng):
    source = RidgeGaussian.fit(data)
    generator, shifts = moved(source, data, rng)
    asked = torch.from_numpy(data.attributes)
    before, after = (g.synthesize(asked, 5, temperature=0.7, seed=3) for g in (source, generator))
    difference = (after - before).numpy()
    expected = shifts @ source.start.root.double().numpy().T
    np.testing.assert_allclose(
        difference[data.unseen_classes], np.repeat(expected[:, None], 5, axis=1), atol=1e-4
    )
    assert not difference[data.seen_classes].any()


def test_the_density_of_a_moved_class_of_a_flow_is_that_of_the_change_of_variables(data, flow, rng):
    generator, shifts = moved(flow, data, rng)
    k = data.unseen_classes[2]
    description = torch.from_numpy(data.attributes[[k]])
    index = torch.zeros(1, dtype=torch.long)
    for x in torch.from_numpy(data.features[data.test_unseen[::20]]):
        jacobian = torch.autograd.functional.jacobian(
            lambda x: flow(x[None], description, index)[0][0], x
        )
        z = flow(x[None], description, index)[0][0].detach().double().numpy()
        base = multivariate_normal(shifts[2], np.eye(len(z))).logpdf(z)
        expected = base + float(jacobian.double().slogdet().logabsdet)
        found = float(generator.log_prob(x[None], description))
        assert found == pytest.approx(expected, abs=1e-3)


def test_what_a_flow_synthesizes_of_a_moved_class_lies_around_the_shift(data, flow, rng):
    generator, shifts = moved(flow, data, rng)
    asked = data.attributes[data.unseen_classes]
    still = generator.synthesize(torch.from_numpy(asked), 1, temperature=0)
    for features, description, shift in zip(still, asked, shifts, strict=True):
        z, _ = latents(flow, features, description)
        np.testing.assert_allclose(z[0], shift, atol=1e-3)


@pytest.mark.parametrize("kind", ["flow", "ridge-Gaussian"])
def test_a_shift_of_nothing_changes_nothing_at_all(data, flow, kind):
    source = flow if kind == "flow" else RidgeGaussian.fit(data)
    attributes = data.attributes[data.unseen_classes]
    generator = MovedClasses(source, attributes, np.zeros((3, data.features.shape[1])))
    x, every = torch.from_numpy(data.features[::7]), torch.from_numpy(data.attributes)
    assert torch.equal(generator.log_prob(x, every), source.log_prob(x, every))
    assert torch.equal(generator.synthesize(every, 2), source.synthesize(every, 2))


def test_equal_descriptions_cannot_be_moved_apart(data):
    source = RidgeGaussian.fit(data)
    attributes = data.attributes[[0, 0]]
    alike = np.ones((2, data.features.shape[1]))
    MovedClasses(source, attributes, alike)
    with pytest.raises(DataError, match="must have descriptions that differ"):
        MovedClasses(source, attributes, alike * [[1], [2]])
    three = data.attributes[[1, 0, 0]]
    apart = np.arange(3)[:, None] * np.ones((3, data.features.shape[1]))
    MovedClasses(source, three, apart * [[1], [0], [1]])  # one of the two stays where it is
    apart += 1
    with pytest.raises(DataError, match="but number 1 and number 2 have the same"):
        MovedClasses(source, three, apart)
    with pytest.raises(DataError, match="but 'b' and 'c' have the same"):
        MovedClasses(source, three, apart, names=["a", "b", "c"])


def test_a_generator_without_a_latent_space_cannot_be_moved(data):
    source = RealSamples(data, data.train)
    with pytest.raises(DataError, match="got RealSamples"):
        MovedClasses(source, data.attributes[:1], np.ones((1, data.features.shape[1])))
