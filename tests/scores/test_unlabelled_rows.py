"""Unlabelled rows: expectation and maximisation against scikit-learn, and what it must not do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from gsmflow_lite import Config, RidgeGaussian
from gsmflow_lite.config import ClassifierConfig, ModelConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import DataError
from gsmflow_lite.method.training import new_model
from gsmflow_lite.scores import protocol, unlabelled_rows
from gsmflow_lite.scores.class_prior import ClassPrior
from gsmflow_lite.scores.evaluation import likelihood_logits
from gsmflow_lite.scores.labelled_rows import t1
from gsmflow_lite.scores.unlabelled_rows import transductive, with_unlabelled_rows

CONFIG = Config(classifier=ClassifierConfig(kinds=("likelihood",)))


@pytest.fixture(scope="module")
def data():
    """Classes in 16-D, whose descriptions tell 4 of the 8 attributes that move them."""
    d = gaussian_world(16, seen=24, unseen=4, attributes=8, samples=40).dataset
    return replace(d, attributes=d.attributes[:, :4], attribute_names=())


@pytest.fixture(scope="module")
def flow(data):
    model = new_model(data, ModelConfig(blocks=2, hidden=8, embedding=4, start="ridge-gaussian"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def means_of(generator, d) -> np.ndarray:
    asked = torch.from_numpy(d.attributes[d.unseen_classes])
    return generator.synthesize(asked, 1, temperature=0)[:, 0].numpy()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_without_a_prior_the_turns_are_those_of_scikit_learn(data):
    generator = RidgeGaussian.fit(data)
    root = generator.start.root.double().numpy()
    flat = ClassPrior(np.eye(len(root)), np.full(len(root), 1e12))
    x = data.features[data.test_unseen].astype(np.float64)
    means = means_of(generator, data).astype(np.float64)
    objective = []
    for _ in range(6):  # of a mixture whose covariance and weights stay
        mixture = GaussianMixture(
            len(means),
            covariance_type="tied",
            max_iter=1,
            means_init=means,
            weights_init=np.full(len(means), 1 / len(means)),
            precisions_init=np.linalg.inv(root @ root.T),
            reg_covar=0,
            random_state=0,
        ).fit(x)
        means = mixture.means_
        objective.append(mixture.lower_bound_)

    found = with_unlabelled_rows(generator, data, data.test_unseen, prior=flat, rounds=6)
    np.testing.assert_allclose(means_of(found.generator, data), means, atol=1e-3)
    np.testing.assert_allclose(found.objective[:6], objective, atol=1e-4)


@pytest.mark.parametrize("among_all", [False, True])
@pytest.mark.parametrize("kind", ["flow", "ridge-Gaussian"])
def test_the_objective_never_falls_and_the_turns_come_to_an_end(data, flow, kind, among_all):
    generator = flow if kind == "flow" else RidgeGaussian.fit(data)
    rows = np.concatenate([data.test_seen, data.test_unseen]) if among_all else data.test_unseen
    found = with_unlabelled_rows(generator, data, rows, among_all=among_all)
    assert len(found.objective) > 2
    assert (np.diff(found.objective) > -1e-6).all()
    assert found.converged


def test_the_objective_is_that_of_the_moved_generator(data, flow):
    prior = ClassPrior.fit(data)
    found = with_unlabelled_rows(flow, data, data.test_unseen, prior=prior, rounds=3)
    x = torch.from_numpy(data.features[data.test_unseen])
    asked = torch.from_numpy(data.attributes[data.unseen_classes])
    densities = found.generator.log_prob(x, asked).double()
    cost = prior.cost(found.generator.shifts.astype(np.float64))
    expected = (densities.logsumexp(1).sum() - cost) / len(x) - np.log(len(asked))
    assert found.objective[-1] == pytest.approx(float(expected), abs=1e-4)
    np.testing.assert_allclose(found.responsibilities, densities.softmax(1), atol=1e-4)


def test_with_no_turn_the_generator_is_the_same_to_the_last_bit(data):
    generator = RidgeGaussian.fit(data)
    found = with_unlabelled_rows(generator, data, data.test_unseen, rounds=0)
    x, every = torch.from_numpy(data.features), torch.from_numpy(data.attributes)
    assert torch.equal(found.generator.log_prob(x, every), generator.log_prob(x, every))
    assert not found.converged


@pytest.mark.parametrize(("share", "fits"), [(0.49, True), (0.51, False)])
def test_rows_that_would_fill_the_memory_are_refused(data, monkeypatch, share, fits):
    rows = data.test_unseen
    needed = 4 * len(rows) * len(data.unseen_classes) * data.features.shape[1]
    monkeypatch.setattr(unlabelled_rows, "memory_in_bytes", lambda: needed / share)
    generator = RidgeGaussian.fit(data)
    if fits:
        with_unlabelled_rows(generator, data, rows, rounds=0)
        return
    with pytest.raises(DataError, match=rf"{len(rows)} rows x .* give fewer rows"):
        with_unlabelled_rows(generator, data, rows, rounds=0)


def test_neither_labels_nor_the_order_of_rows_matter(data, rng):
    generator = RidgeGaussian.fit(data)
    order = rng.permutation(data.test_unseen)
    found = with_unlabelled_rows(generator, data, data.test_unseen)
    labels = data.labels.copy()
    labels[data.test_unseen] = rng.permutation(labels[data.test_unseen])
    other = with_unlabelled_rows(generator, replace(data, labels=labels), order)
    np.testing.assert_allclose(other.generator.shifts, found.generator.shifts, atol=1e-4)


def test_seen_classes_stay_where_they_are_and_keep_more_of_their_rows(data):
    generator = RidgeGaussian.fit(data)
    rows = np.concatenate([data.test_seen, data.test_unseen])
    found = with_unlabelled_rows(generator, data, rows, among_all=True)
    seen = torch.from_numpy(data.attributes[data.seen_classes])
    x = torch.from_numpy(data.features[rows])
    assert torch.equal(found.generator.log_prob(x, seen), generator.log_prob(x, seen))
    of_seen, of_unseen = np.split(found.responsibilities.sum(1), [len(data.test_seen)])
    assert of_unseen.mean() > 1.5 * of_seen.mean()


def test_unlabelled_rows_help_where_descriptions_tell_a_part(data):
    generator = RidgeGaussian.fit(data)
    found = with_unlabelled_rows(generator, data, data.test_unseen)
    assert t1(found.generator, data) > t1(generator, data) + 5


def test_under_the_protocol_t1_is_told_among_unseen_rows_and_h_among_all(data):
    method = protocol.ridge_gaussian(CONFIG)
    read = protocol.run(transductive(method), data)
    assert ("unlabelled rows", "test rows") in read.choice.setting
    alone = with_unlabelled_rows(RidgeGaussian.fit(data), data, data.test_unseen)
    assert read.scores.zsl == pytest.approx(t1(alone.generator, data))
    every = np.concatenate([data.test_seen, data.test_unseen])
    joint = with_unlabelled_rows(RidgeGaussian.fit(data), data, every, among_all=True)
    expected = likelihood_logits(joint.generator, data).scores(read.choice.calibration)
    assert read.scores.harmonic == pytest.approx(expected.harmonic)
