"""The doctor: is this machine ready for a lesson or a training, and what is to be mended?

Each check is a function that looks at one thing and returns a :class:`Finding`:

- ``versions``: Python and packages, against what the package says it needs
- ``machine``: memory, cores and threads
- ``device``: the CPU or GPU that training would take
- ``kept``: the cache of maps, the embedded data and the flows that ship
- ``small_flow``: a flow is trained, goes on from a checkpoint, and is the same on the CPU
- ``notebooks``: the panels, and what the browser needs for them

``finding`` says what a check gives, ``checks`` has the list and runs it, ``page`` writes the
answers down, and ``command`` is ``gsmflow-lite doctor``.
"""

from __future__ import annotations

from .checks import CHECKS, Check, examine
from .finding import Answer, Finding, Visit
from .page import answers_as_data, sentence, text_of

__all__ = [
    "CHECKS",
    "Answer",
    "Check",
    "Finding",
    "Visit",
    "answers_as_data",
    "examine",
    "sentence",
    "text_of",
]
