"""A world of a page: a data set, the flows that imagine it, and all that is computed with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped

from ..datasets.base import GZSLDataset
from ..explorer.invention import ranges
from ..explorer.scene import IN_FOCUS, MOST_POINTS, Scene, proportions
from ..figures.projection import JITTER, PLACED_BY
from ..figures.style import class_colours
from ..generators.zoo import Zoo
from ..seeds import derived_seed
from ..shifts.measuring import real_features
from .flows import PageFlow, flows_of_zoo
from .meter_data import METER_SETTINGS, meter_arrays
from .packing import Arrays
from .pictures import PagePictures
from .small import halved_rows

MEASURED_ROWS = 64  # real rows of a class that meters compare with, at most
SEEDS = 100  # that a page offers
#: What a page says of the data that ship with the package.
ABOUT = {
    "glyphs": {
        "title": "Letters",
        "source": "Letters and digits of 480 typefaces.",
        "licence": "The typefaces are under free licences, and none of them is in this page.",
    },
    "hangul": {
        "title": "Hangul",
        "source": "Korean syllables of 58 typefaces.",
        "licence": "The typefaces are under free licences, and none of them is in this page.",
    },
}


@dataclass(frozen=True, eq=False)
class PageWorld:
    """What a page holds of one data set.

    ``scene`` has the real rows and both maps, and ``maps`` says how these were made. ``flows`` are
    what imagines, the best first. ``chosen`` are the classes that are measured and shown first.
    ``measured`` is the data set with no test rows of these but those that meters compare with, so
    :func:`gsmflow_lite.measure` of these classes of it gives the numbers of the page.
    """

    name: str
    title: str
    scene: Scene
    maps: str
    flows: Sequence[PageFlow]
    chosen: Int[np.ndarray, " U"]
    measured: GZSLDataset
    about: Mapping[str, str]

    @property
    def dataset(self) -> GZSLDataset:
        """The data set that the scene shows."""
        return self.scene.dataset

    def header(self) -> dict[str, Any]:
        """What the page reads of this world before its arrays, ready for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "features": int(self.dataset.features.shape[1]),
            "classes": self._classes(),
            "attributes": self._attributes(),
            "flows": [flow.header() for flow in self.flows],
            "pictures": self.pictures.header,
            "map": self._map(),
            "meters": METER_SETTINGS,
            "about": dict(self.about),
        }

    @cached_property
    def pictures(self) -> PagePictures:
        """How pictures are made."""
        return PagePictures.of(self.scene)

    @cached_property
    def parts(self) -> dict[str, Arrays]:
        """Its arrays, by the part of the page that they are for; names begin with the world's."""
        parts = {f"flow {flow.title}": flow.arrays() for flow in self.flows}
        parts["real rows and maps"] = self._real()
        parts["pictures"] = self.pictures.arrays
        parts["meters and doses"] = meter_arrays(self.measured, self.chosen)
        parts["descriptions"] = self._descriptions()
        return {
            part: {f"{self.name}/{name}": array for name, array in arrays.items()}
            for part, arrays in parts.items()
        }

    # --- Its header ------------------------------------------------------------------------------

    def _classes(self) -> dict[str, Any]:
        dataset = self.dataset
        count = len(dataset.attributes)
        # Those shown first come first: of many classes, some would have one colour otherwise.
        unseen = self.dataset.unseen_classes
        colours = class_colours([*self.chosen, *unseen, *self.dataset.seen_classes])
        return {
            "names": list(dataset.unique_names),
            "seen": np.isin(np.arange(count), dataset.seen_classes).tolist(),
            "colours": [colours[k] for k in range(count)],
            "chosen": self.chosen.tolist(),
            "clearest": self._clearest().tolist(),
        }

    def _clearest(self) -> Int[np.ndarray, " U"]:
        """The chosen classes, those first whose typical row is nearest to the real mean.

        Far is what is far beside how much the real rows vary.
        """
        dataset = self.dataset
        descriptions = torch.from_numpy(dataset.attributes[self.chosen])
        typical = self.flows[0].model.synthesize(descriptions, 1, temperature=0)[:, 0].numpy()
        tests = [dataset.of_class(k, dataset.test_unseen) for k in self.chosen]
        real = [np.asarray(dataset.features[rows]) for rows in tests]
        away = [
            ((made - rows.mean(0)) ** 2).mean() for made, rows in zip(typical, real, strict=True)
        ]
        vary = np.maximum([rows.var(0).mean() for rows in real], np.finfo(np.float32).tiny)
        return self.chosen[np.argsort(away / vary, kind="stable")]

    def _attributes(self) -> dict[str, Any]:
        dataset = self.dataset
        names = list(dataset.unique_attribute_names)
        groups = {name: list(of) for name, of in (dataset.attribute_groups or {}).items()}
        in_groups = sum(map(len, groups.values())) == len(names)
        by_sentence = bool(dataset.text_encoder)
        return {"names": names, "groups": groups if in_groups else None, "bySentence": by_sentence}

    def _map(self) -> dict[str, Any]:
        projection = self.scene.projection
        return {
            "explained": projection.explained.tolist(),
            "describe": self.maps,
            "usualDistance": projection.usual_distance or 1.0,
            "jitter": JITTER * (float(projection.features.std(0).mean()) or 1.0),
            "placedBy": min(PLACED_BY, len(projection.features) - 1),
        }

    # --- Its arrays ------------------------------------------------------------------------------

    def _real(self) -> Arrays:
        scene = self.scene
        classes, width = len(scene.dataset.attributes), scene.dataset.features.shape[1]
        whole = np.ones((1, width), np.float32)
        number = np.promote_types(np.uint16, np.min_scalar_type(classes))
        return {
            "real.features": halved_rows(np.asarray(scene.dataset.features[scene.rows])),
            "real.labels": scene.real.labels.astype(number),
            "real.pca": _single(scene.real.pca),
            "real.umap": _single(scene.real.umap),
            "widths": _single(proportions(scene.dataset, whole)[0]),
            "pca.mean": _single(scene.projection.mean),
            "pca.axes": _single(scene.projection.axes),
        }

    def _descriptions(self) -> Arrays:
        low, high = ranges(self.dataset)
        attributes = self.dataset.attributes
        return {"attributes": _single(attributes), "low": _single(low), "high": _single(high)}


def seed_words() -> Arrays:
    """The first word of the key of the latent noise, for each seed that a page offers."""
    words = [derived_seed(seed, "latent noise") for seed in range(SEEDS)]
    return {"seeds": np.array(words, np.uint32)}


# --- How a world is made -------------------------------------------------------------------------


def world_of_zoo(zoo: Zoo, *, most_rows: int = MOST_POINTS) -> PageWorld:
    """Make the world of data and flows that ship; its map comes with the package."""
    about = dict(ABOUT[zoo.name])
    title = about.pop("title")
    return _world(zoo.name, title, Scene.of_zoo(zoo), flows_of_zoo(zoo), about, most_rows)


def world_of(scene: Scene, flows: Sequence[PageFlow], *, most_rows: int = MOST_POINTS) -> PageWorld:
    """Make the world of a scene and of flows that were trained on its data set.

    Raises ``DataError`` where no unseen class has enough real rows to be measured.
    """
    name = scene.dataset.name  # not its source: who gets the page need not know anybody's folders
    about = {"source": name, "licence": ""}
    return _world(name, name, scene, flows, about, most_rows)


def _world(
    name: str,
    title: str,
    whole: Scene,
    flows: Sequence[PageFlow],
    about: Mapping[str, str],
    most_rows: int,
) -> PageWorld:
    scene = _thinned(whole, most_rows)
    maps = whole.projection.describe
    if scene is not whole:
        maps += f"; {scene.real.count} of these rows are shown"
    dataset = scene.dataset
    able, _, _ = real_features(dataset, dataset.unseen_classes.tolist())
    chosen = _evenly(able, IN_FOCUS)
    tests = dataset.test_unseen
    others = tests[~np.isin(dataset.labels[tests], chosen)]
    rows = [_evenly(dataset.of_class(k, tests), MEASURED_ROWS) for k in chosen]
    measured = replace(dataset, test_unseen=np.sort(np.concatenate([others, *rows])))
    return PageWorld(name, title, scene, maps, flows, chosen, measured, about)


def _thinned(scene: Scene, most: int) -> Scene:
    """The same maps with at most so many real rows, evenly chosen of each class."""
    count = scene.real.count
    if count <= most:
        return scene
    by_class = np.argsort(scene.real.labels, kind="stable")
    kept = np.sort(_evenly(by_class, most))
    projection = replace(
        scene.projection,
        features=scene.projection.features[kept],
        rows=np.arange(len(kept)),
        umap_real=scene.projection.umap_real[kept],
    )
    return replace(scene, rows=scene.rows[kept], projection=projection, real=scene.real.only(kept))


def _evenly(numbers: Int[np.ndarray, " n"], most: int) -> Int[np.ndarray, " m"]:
    """At most so many of the numbers, evenly chosen, in their order."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]


def _single(values: Shaped[np.ndarray, " ..."]) -> Float[np.ndarray, " ..."]:
    return np.asarray(values, np.float32)
