"""gsmflow_lite: see what a conditional flow imagines of classes nobody has labelled, and how that drifts from reality."""

__version__ = "0.1.0"

from .config import PAPERS, ClassifierConfig, Config, MiningConfig, ModelConfig, TrainingConfig, lite, preset
from .datasets import GZSLDataset, from_arrays, from_dataframe, gaussian_world, glyphs, load
from .errors import ConfigError, DataError, GSMFlowError, StorageError, TrainingError
from .events import Epoch, Stage, Step
from .flow import ConditionalFlow
from .generators import FromFile, Generator, RealSamples, RidgeGaussian
from .injection import Injected
from .model import GSMFlow, SavedModel
from .progress import ProgressBar, follow
from .protocol import run
from .shifts import ShiftReport, measure
from .training import fit, new_model
from .zuko_flow import ZukoFlow


def __getattr__(name: str):
    """``explore`` from :mod:`gsmflow_lite.panels`, which needs ipywidgets: not loaded before it is asked for."""
    if name == "explore":
        from .panels import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "PAPERS",
    "ClassifierConfig",
    "ConditionalFlow",
    "Config",
    "ConfigError",
    "DataError",
    "Epoch",
    "FromFile",
    "GSMFlow",
    "GSMFlowError",
    "GZSLDataset",
    "Generator",
    "Injected",
    "MiningConfig",
    "ModelConfig",
    "ProgressBar",
    "RealSamples",
    "RidgeGaussian",
    "SavedModel",
    "ShiftReport",
    "Stage",
    "Step",
    "StorageError",
    "TrainingConfig",
    "TrainingError",
    "ZukoFlow",
    "fit",
    "follow",
    "from_arrays",
    "from_dataframe",
    "gaussian_world",
    "glyphs",
    "lite",
    "load",
    "measure",
    "new_model",
    "preset",
    "run",
]
