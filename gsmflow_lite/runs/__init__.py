"""Runs: experiments, studies and their reports, from settings to files."""

from __future__ import annotations

from .experiment import Diagnosis, Experiment, diagnose, run_experiment
from .report import write_report
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
    "readable",
    "run_experiment",
    "run_study",
    "scores_by_seed",
    "study_interactive",
    "study_still",
    "summary",
    "write_report",
]
