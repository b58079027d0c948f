"""Runs: experiments, diagnoses and studies, from settings to files.

- ``experiment``: one run of a flow and its baselines; ``diagnosis``: of any generator
- ``report``: the HTML page of a run; ``report_parts``, ``report_lenses``, ``report_page``: of it
- ``study``: many runs; ``study_file``: what is compared; ``cells``: one training;
  ``workers``: where cells run; ``results``: their files and table
- ``tables``, ``study_figures``: what a study shows
- ``settings``: presets by name, settings with changes; ``provenance``: versions and revision
- ``lesson``: the course, copied without answers
- ``data_of_images``: what ``gsmflow-lite images`` writes and says
- ``commands``: what the command line does
"""

from __future__ import annotations

from .diagnosis import Diagnosis, diagnose
from .experiment import Experiment, run_experiment
from .report import write_report
from .settings import named_preset, with_changes
from .study import run_study
from .study_figures import study_interactive, study_still
from .study_file import Source, Study
from .tables import readable, scores_by_seed, summary

__all__ = [
    "Diagnosis",
    "Experiment",
    "Source",
    "Study",
    "diagnose",
    "named_preset",
    "readable",
    "run_experiment",
    "run_study",
    "scores_by_seed",
    "study_interactive",
    "study_still",
    "summary",
    "with_changes",
    "write_report",
]
