"""gsmflow_lite: see what a conditional flow synthesizes of classes nobody has labelled, and how that drifts from reality."""

__version__ = "0.1.0"

from . import figures
from .config import (
    PAPERS,
    ClassifierConfig,
    Config,
    MiningConfig,
    ModelConfig,
    TrainingConfig,
    lite,
    preset,
)
from .datasets import GZSLDataset, from_arrays, from_dataframe, gaussian_world, glyphs, load
from .errors import ConfigError, DataError, GSMFlowError, StorageError, TrainingError
from .events import Epoch, Stage, Step
from .figures import overlays
from .generators.base import Generator
from .generators.ridge_gaussian import RidgeGaussian
from .generators.stored import FromFile, RealSamples
from .generators.zuko_flow import ZukoFlow
from .method.flow import ConditionalFlow
from .method.model import GSMFlow, SavedModel
from .method.training import fit, new_model
from .progress import ProgressBar, follow
from .scores import protocol
from .scores.protocol import run
from .shifts import metrics
from .shifts.injection import Injected
from .shifts.report import ShiftReport, measure


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
    "figures",
    "fit",
    "follow",
    "from_arrays",
    "from_dataframe",
    "gaussian_world",
    "glyphs",
    "lite",
    "load",
    "measure",
    "metrics",
    "new_model",
    "overlays",
    "preset",
    "protocol",
    "run",
]
