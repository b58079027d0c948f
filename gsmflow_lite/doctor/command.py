"""The command ``gsmflow-lite doctor``.

It is not with the other commands: these import all that they need at once, and the doctor must be
able to say what of it is missing.
"""

from __future__ import annotations

import argparse

from ..errors import FAULTY
from ..storage import to_write, write_json
from .checks import examine
from .finding import Visit
from .page import answers_as_data, is_well, sentence, text_of


def doctor_command(options: argparse.Namespace) -> int:
    """Look at everything, print a line for each, and return 0 if there is no fault.

    Raises ``StorageError`` where the file of ``--json`` cannot be written.
    """
    path = None if options.json is None else to_write(options.json, ".json")
    answers = []
    for answer in examine(Visit(options.device, options.warm)):
        print(text_of(answer), flush=True)
        answers.append(answer)
    print(sentence(answers), flush=True)
    if path is not None:
        write_json(path, answers_as_data(answers))
        print(f"written: {path}")
    return 0 if is_well(answers) else FAULTY
