"""What a panel leaves in a notebook: the live view, a sentence, and a still figure.

They are three outputs. Of one output with two forms JupyterLab shows the live one only, and that is
an error message once its kernel is gone. The style that comes with the sentence hides sentence and
figure while the panel lives, and hides the error message when it does not. Where a page takes no
style, say in a notebook of somebody else that is not trusted, all is shown.
"""

from __future__ import annotations

from typing import Any

_OUTPUT = ".jp-OutputArea-child"
_NOTE = f"{_OUTPUT}:has(.gsmflow-note)"
# Each a rule of its own: a browser leaves out a whole rule if it does not know a part of it.
_HIDDEN = (
    f"{_OUTPUT}:has(.gsmflow) + {_NOTE}",
    f"{_OUTPUT}:has(.gsmflow) + {_NOTE} + {_OUTPUT}",
    ".jp-OutputArea:has(.gsmflow-note) .jp-OutputArea-output:not(:has(*))",  # the error message
)
_STYLE = " ".join(f"{selector} {{ display: none; }}" for selector in _HIDDEN)
NOTE = "This is a picture of the panel as it was. Run the cell to have the panel itself."


def outputs(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """Take a bundle of a live view and a still figure apart.

    Without a figure there is only the live view.
    """
    live = {kind: content for kind, content in bundle.items() if kind != "image/png"}
    if len(live) == len(bundle):
        return [live]
    note = {
        "text/html": f'<div class="gsmflow-note"><style>{_STYLE}</style>{NOTE}</div>',
        "text/plain": NOTE,
    }
    return [live, note, {"image/png": bundle["image/png"], "text/plain": "a picture of the panel"}]
