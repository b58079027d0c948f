"""See what a conditional flow synthesizes for unseen classes, and how that drifts from reality.

The package has rooms, which are folders. Each imports from those before it only: ``datasets``,
``texts``, ``images``, ``method``, ``generators``, ``scores``, ``figures``, ``shifts``,
``explorer``, ``panels``, ``page``, ``runs`` and ``doctor``. The ground floor under them are the
modules beside this file:

- ``arguments``: numbers that users hand in, checked.
- ``config``: the settings of a run.
- ``presets``: named settings, of this library and of the papers.
- ``errors``: every error that is raised on purpose.
- ``events``, ``progress``: what long work reports, and bars that show it.
- ``storage``: files that are either whole or absent.
- ``numerics``: what depends on the machine.
- ``seeds``: named random streams.
- ``cli``: the command line.
"""

__version__ = "0.2.0"

from typing import Any

from . import figures
from .config import ClassifierConfig, Config, MiningConfig, ModelConfig, TrainingConfig
from .datasets import (
    GZSLDataset,
    explained_share,
    from_arrays,
    from_dataframe,
    gaussian_world,
    glyphs,
    hangul,
    load,
)
from .errors import ConfigError, DataError, GSMFlowError, StorageError, TrainingError
from .events import Epoch, Stage, Step
from .figures import overlays
from .generators.base import Generator
from .generators.ridge_gaussian import RidgeGaussian
from .generators.stored import FromFile, RealSamples
from .generators.zuko_flow import ZukoFlow
from .images import from_images
from .method.flow import ConditionalFlow
from .method.model import GSMFlow, SavedModel
from .method.training import fit, new_model
from .page.export import export_page
from .presets import PAPERS, full, lite, preset
from .progress import ProgressBar, follow
from .scores import protocol
from .scores.protocol import run
from .shifts import metrics
from .shifts.injection import Injected
from .shifts.measuring import measure
from .shifts.report import ShiftReport


def __getattr__(name: str) -> Any:
    """Load ``explore`` only when it is used: it needs ipywidgets."""
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
    "explained_share",
    "export_page",
    "figures",
    "fit",
    "follow",
    "from_arrays",
    "from_dataframe",
    "from_images",
    "full",
    "gaussian_world",
    "glyphs",
    "hangul",
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
