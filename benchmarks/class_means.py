"""Measure how well the attributes of a class tell where its features lie.

    python benchmarks/class_means.py --dataset FLO --features lite0

This is the part of zero-shot learning that no shape of a density can replace.

Prints the accuracy of nearest-mean classification of unseen rows (Mahalanobis, pooled covariance of
the seen classes) with real and with ridge-predicted means, and how far linear and kernel ridge
regression miss the mean of a left-out seen class.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from gsmflow_lite import lite, load
from gsmflow_lite.datasets.statistics import class_means, within_covariance
from gsmflow_lite.method.start import ridge_means
from gsmflow_lite.scores.evaluation import per_class_accuracy

STRENGTHS = 10.0 ** np.arange(-3, 1.5, 0.5)
KERNELS = {"linear": [None], "rbf": [0.1, 0.3, 1, 2, 4], "laplacian": [0.003, 0.01, 0.03, 0.1]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="glyphs")
    parser.add_argument("--features")
    options = parser.parse_args()
    config = lite("glyphs" if options.dataset == "glyphs" else "features")
    d = load(options.dataset, features=options.features).preprocessed(
        config.preprocessing, config.components
    )
    weights = ridge_means(d).numpy()
    means = {
        "real means": class_means(d, d.unseen_classes, d.test_unseen),
        "ridge-predicted means": d.attributes[d.unseen_classes] @ weights[:-1] + weights[-1],
    }
    for name, predicted in means.items():
        print(f"unseen rows nearest to their own class, {name}: {nearest_mean(d, predicted):.1f} %")
    for kernel, widths in KERNELS.items():
        error = left_out_error(d, kernel, widths)
        print(f"mean squared distance to the mean of a left-out seen class, {kernel}: {error:.1f}")


def nearest_mean(d, means: np.ndarray) -> float:
    """Mean per-class accuracy among unseen classes, per cent."""
    whiten = np.linalg.inv(np.linalg.cholesky(within_covariance(d))).T
    x = d.features[d.test_unseen] @ whiten
    m = means @ whiten
    distances = ((x[:, None] - m) ** 2).sum(2)

    predicted = d.unseen_classes[distances.argmin(1)]
    return 100 * per_class_accuracy(d.labels[d.test_unseen], predicted).mean()


def left_out_error(d, kernel: str, widths: list) -> float:
    """Leave-one-class-out error at the best strength and kernel width, after centring."""
    attributes = d.attributes[d.seen_classes].astype(np.float64)
    means = class_means(d, d.seen_classes, d.train).astype(np.float64)
    attributes -= attributes.mean(0)
    means -= means.mean(0)

    errors = []
    for width in widths:
        for strength in STRENGTHS:
            model = KernelRidge(alpha=strength, kernel=kernel, gamma=width)
            predicted = cross_val_predict(model, attributes, means, cv=LeaveOneOut())
            errors.append(((predicted - means) ** 2).sum(1).mean())
    return min(errors)


if __name__ == "__main__":
    main()
