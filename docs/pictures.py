"""Take pictures of the panels in a real JupyterLab: run it after a change of what they show.

    python docs/pictures.py      # writes docs/images/explore.png, design.png and train.png

Needs Chromium and Playwright, as the tests in a browser do.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import lab  # noqa: E402  (the tests in a browser share it)

LETTERS = "".join(f"&classes={name}" for name in "MQI2U")
PANELS = {  # the cell, and the group of controls that is open
    "explore": (f"explore(state='explore?variance=0.4{LETTERS}').wait()", "Shifts"),
    "design": ("design(state='design?start=O').wait()", "Attributes"),
    "train": ("panel = train()\npanel.start()\npanel.wait()", "Training"),
}


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.jupyter_lab(Path(folder)) as address,
        lab.chromium() as browser,
    ):
        for name, (cell, group) in PANELS.items():
            page = lab.open_notebook(
                browser,
                address,
                Path(folder),
                name,
                [f"from gsmflow_lite.panels import {name}\n{cell}"],
            )
            lab.wait_for_plot(page)
            lab.rest(page)
            page.locator(".gsmflow .tabs button", has_text=group).click()
            # As tall as the panel, which the notebook would cut.
            page.set_viewport_size({"width": 1500, "height": 1900})
            page.wait_for_timeout(1500)  # plotly draws anew
            page.locator(".gsmflow").first.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")
            page.close()
            print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()
