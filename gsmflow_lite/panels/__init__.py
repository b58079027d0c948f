"""Panels for notebooks: a view, controls beside it, and the library calls behind it. The only place that needs ipywidgets."""

import sys

try:
    import anywidget  # noqa: F401 - plotly's live figures need it and do not bring it
    import ipywidgets  # noqa: F401
except ImportError as error:
    raise ImportError(f"panels need {error.name}: pip install 'gsmflow-lite[notebooks]'") from error

if "google.colab" in sys.modules:  # Colab shows third-party widgets only after it was told to
    from google.colab import output

    output.enable_custom_widget_manager()

from .compare import compare
from .design import design
from .dissect import dissect
from .explore import explore
from .train import train

__all__ = ["compare", "design", "dissect", "explore", "train"]
