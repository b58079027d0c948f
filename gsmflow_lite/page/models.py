"""Models of one's own for a page, and the data in the space that they were trained in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from ..config import Config
from ..datasets.base import GZSLDataset
from ..datasets.preprocessing import Preprocessing
from ..errors import ConfigError, DataError
from ..figures.style import short
from ..generators.ridge_gaussian import RidgeGaussian
from ..method.model import GSMFlow, SavedModel
from .flows import ONE_FLOW, PageFlow, flow_of, ridge

Models = GSMFlow | SavedModel | Mapping[str, GSMFlow | SavedModel]


def flows_of_models(dataset: GZSLDataset, models: Any) -> tuple[GZSLDataset, list[PageFlow]]:
    """Return the data as models need them, and each model with its name; the ridge-Gaussian last.

    ``models`` is a flow, a saved one, or several by their names. It lacks the ridge-Gaussian where
    the data have no covariance within classes. Raises ``ConfigError`` for other models, and for
    models of other data.
    """
    named = _named(models)
    dataset = _as_trained(dataset, [one for one in named.values() if isinstance(one, SavedModel)])
    flows = []
    for number, (name, one) in enumerate(named.items()):
        model = one.model if isinstance(one, SavedModel) else one
        _check_widths(name, model, dataset)
        flows.append(flow_of(f"flow{number}", name, model, _config(one)))
    with suppress(DataError):
        flows.append(ridge(RidgeGaussian.fit(dataset)))
    return dataset, flows


def _named(models: Any) -> dict[str, GSMFlow | SavedModel]:
    named = dict(models) if isinstance(models, Mapping) else {ONE_FLOW: models}
    wrong = [type(one).__name__ for one in named.values() if not _is_model(one)]
    if wrong or not named:
        raise ConfigError(
            "a page needs flows: models must be a GSMFlow, a SavedModel or several by name, got "
            f"{wrong[0] if wrong else 'none'}: train one, or load one with SavedModel.load"
        )
    return {str(name): one for name, one in named.items()}


def _is_model(one: Any) -> bool:
    return isinstance(one, GSMFlow | SavedModel)


def _as_trained(dataset: GZSLDataset, saved: list[SavedModel]) -> GZSLDataset:
    """The data with the preprocessing that all saved models were trained with."""
    found = [one.preprocessing for one in saved if one.preprocessing is not None]
    if not found:
        return dataset
    if any(not _equal(found[0], other) for other in found[1:]):
        raise ConfigError(
            "models of one page must have been trained with one preprocessing, got several: "
            "make a page of each"
        )
    return dataset.transformed(found[0])


def _equal(one: Preprocessing, other: Preprocessing) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("offset", "scale", "basis")]
    return all(
        np.array_equal(a, b) if a is not None and b is not None else a is b for a, b in pairs
    )


def _check_widths(name: str, model: GSMFlow, dataset: GZSLDataset) -> None:
    widths = (model.features, model.attributes)
    there = (dataset.features.shape[1], dataset.attributes.shape[1])
    if widths != there:
        raise ConfigError(
            f"a model must fit the data of its page, got {short(name)!r} for {widths[0]} features "
            f"and {widths[1]} attributes, and data with {there[0]} and {there[1]}: name the data "
            "that it was trained on, preprocessed as they were"
        )


def _config(one: GSMFlow | SavedModel) -> Config | None:
    """The settings that a model was trained with, where it was saved with them."""
    if not isinstance(one, SavedModel) or "config" not in one.notes:
        return None
    return Config.from_dict(one.notes["config"])
