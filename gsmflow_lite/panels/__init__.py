"""Panels for notebooks: a view, the controls beside it, and the library calls behind it.

This is the only room that needs ipywidgets. What the panels show is computed in the rooms before,
above all in ``explorer``. Each of the five panels has a function of its name:

- ``explore``: cause a shift and see it, with ``explore_controls``, ``curves`` (over the points),
  ``point_cards`` and the guided ``tour``
- ``compare``: two generators on one map
- ``design``: invent a class, with ``design_controls``, ``attribute_sliders``, ``design_map``,
  ``design_views`` and ``design_code``
- ``dissect``: take a flow apart, with ``dissection`` (what is shown), ``dissect_figure`` and
  ``dissect_text`` (its words and code)
- ``train``: watch a training, with

  - ``training_settings``: presets, controls, and the ``Config`` that they stand for
  - ``preset_panel``: a panel with presets
  - ``training_data``: the data sets to choose from
  - ``training_run``: the training in the background, and what there is of it
  - ``training_pictures``: all that shows it, made of ``training_curve``, ``training_map`` and
    ``training_replay`` (the player)
  - ``training_code``: the training as code

What all panels have:

- ``panel``: the base: settings, background work, code, a still figure
- ``tools``: the widgets around a panel: status line, undo, code, state and log
- ``history``: what undo and the log remember
- ``saved``: what a panel leaves in a notebook
- ``state``: settings as a short text, which can be sealed
- ``worker``: jobs in the background
- ``controls``: sliders, switches, buttons, a chooser of classes
- ``live``: a live figure of plotly; ``lensmap``: the live map, of ``lens_traces``
- ``map_panel``: what panels with a map share
- ``show``: tables, cards and pictures in HTML
"""

import sys

try:
    import anywidget  # noqa: F401 - plotly's live figures need it and do not bring it
    import ipywidgets  # noqa: F401
except ImportError as error:
    raise ImportError(f"panels need {error.name}: pip install 'gsmflow-lite[notebooks]'") from error

if "google.colab" in sys.modules:  # Colab shows widgets of others only after it was told to
    from google.colab import output

    output.enable_custom_widget_manager()

from .compare import compare
from .design import design
from .dissect import dissect
from .explore import explore
from .state import seal
from .train import train

__all__ = ["compare", "design", "dissect", "explore", "seal", "train"]
