"""A small world of odd width without pictures, as tests of the page build and read it."""

from functools import cache

import numpy as np

from gsmflow_lite.config import Config, ModelConfig, TrainingConfig
from gsmflow_lite.datasets import GZSLDataset, gaussian_world
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.method.training import fit, new_model
from gsmflow_lite.page.flows import PageFlow, flow_of, ridge
from gsmflow_lite.page.packing import pack
from gsmflow_lite.page.world import PageWorld, seed_words, world_of

FEATURES = 7
#: Every way in which the arrays of a flow can differ: start, positioning, which blocks read.
MODELS = {
    "GSMFlow": ModelConfig(blocks=3, hidden=24, embedding=9, start="ridge-gaussian"),
    "as published": ModelConfig(blocks=2, hidden=16, embedding=9, scale_attributes=True),
    "first block": ModelConfig(
        blocks=3, hidden=16, embedding=9, relative_positioning=False, semantics="first", clamp=2.0
    ),
}


@cache
def odd_dataset() -> GZSLDataset:
    """Thirteen Gaussian classes of seven features and five attributes."""
    return gaussian_world(FEATURES, seen=9, unseen=4, attributes=5, samples=60, noise=0.4).dataset


@cache
def odd_flows() -> tuple[PageFlow, ...]:
    """Three flows, trained for a moment, and the ridge-Gaussian."""
    flows = []
    for number, (title, model) in enumerate(MODELS.items()):
        config = Config(model=model, training=TrainingConfig(epochs=15, lr=1e-2, mining=None))
        trained = new_model(odd_dataset(), config.model, seed=number)
        for _ in fit(trained, odd_dataset(), config.training, seed=number, device="cpu"):
            pass
        trained.eval()
        flows.append(flow_of(f"flow{number}", title, trained, config))
    return (*flows, ridge(RidgeGaussian.fit(odd_dataset())))


@cache
def odd_world() -> PageWorld:
    """The world of these flows; its map is the linear one, turned, since UMAP takes seconds."""
    scene = Scene.through(odd_dataset(), turned_map)
    return world_of(scene, odd_flows())


def turned_map(space: np.ndarray) -> Projection:
    """A stand-in for UMAP that takes no time: two columns."""
    layout = np.ascontiguousarray(space[:, 1::-1], np.float32)
    return Projection.ready(space, layout, neighbours=15, seed=0)


def packed(*worlds: PageWorld) -> bytes:
    """Worlds as a page holds them."""
    arrays = seed_words()
    for world in worlds:
        for part in world.parts.values():
            arrays |= part
    return pack({"format": 1, "worlds": [world.header() for world in worlds]}, arrays)
