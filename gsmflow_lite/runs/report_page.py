"""Bits of a report's page: pictures, numbers, scripts, and the rule that nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from .. import figures

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

SHARPNESS = 140  # dots per inch of still figures: clear on paper and on a fine screen
INCH = 92  # pixels of the page


def number_or_dash(value: float) -> str:
    """A number as text; ``-`` where there is none."""
    return figures.number(value) if math.isfinite(value) else "-"


def picture(figure: Figure, alt: str, dpi: float = SHARPNESS) -> dict[str, Any]:
    """A still figure ready for the template.

    Its width is in pixels of the page, so that letters have one size in narrow and wide figures.
    """
    width = round(INCH * figure.get_figwidth())
    return {"png": in_base64(figures.png(figure, dpi)), "alt": alt, "width": width}


def in_base64(content: bytes) -> str:
    """Bytes as text that may stand in a page."""
    return base64.b64encode(content).decode()


def template() -> Template:
    """The page with places for its parts; what is put in is text, never markup."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(asset("report.html"))


def asset(name: str) -> str:
    """A file of the page that comes with the package."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def page_scripts() -> list[str]:
    """Plotly and our own script, in the order in which they run."""
    from plotly.offline import get_plotlyjs

    return [get_plotlyjs(), asset("report.js")]


def security_policy(scripts: list[str]) -> str:
    """The page's Content-Security-Policy.

    Nothing is fetched, and no script runs but these, whatever else should get into the page.
    """
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    allowed = " ".join(f"'sha256-{in_base64(digest)}'" for digest in digests)
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {allowed or NOTHING}"
    )


NOTHING = "'none'"
