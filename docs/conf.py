"""Settings of Sphinx. ``make docs`` builds the site into build/docs.

The source folder is the root of the repository, so that a link from one page to another holds here
and where the files are read as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

import gsmflow_lite

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))  # for rooms and offline_math

project = "gsmflow_lite"
version = release = gsmflow_lite.__version__
copyright = author = "The gsmflow_lite authors"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_nb",
    "offline_math",
    "rooms",
]
if tags.has("quick"):  # noqa: F821 - Sphinx gives it. sphinx-build -t quick: for the tests
    toc_object_entries = False
else:
    extensions.append("sphinx.ext.viewcode")  # pages of the code, to which the reference leads

root_doc = "README"
include_patterns = [
    "*.md",
    "data/*.md",
    "docs/**",
    "notebooks/**",
]
exclude_patterns = [
    ".*",
    "**/.ipynb_checkpoints",
    "build",
    "dist",
    "mutants",
    "runs",
    "docs/images",
]

SOLUTIONS = "notebooks/solutions/README"

# The contents of the site, at the side of each page. A page that is missing here is a warning.
CONTENTS = {
    "Tutorials": ["notebooks/README", "notebooks/[0-9]*", SOLUTIONS],
    "How to": [
        "docs/install",
        "docs/page",
        "docs/own_images",
        "docs/measuring",
        "docs/panels",
        "docs/data",
        "docs/big_data",
        "docs/command_line",
        "docs/studies",
        "docs/reports",
        "docs/teaching",
        "docs/troubleshooting",
        "data/README",
    ],
    "What came of it": [
        "docs/results",
        "docs/papers",
        "docs/speed",
        "docs/reliability",
        "docs/mutants",
        "docs/imagenet21k",
    ],
    "Look up": ["docs/glossary", "docs/reference", "docs/house", "data/glyphs", "data/hangul"],
    "The project": ["CONTRIBUTING", "CHANGELOG", "SECURITY"],
}

# --- Notebooks and Markdown ----------------------------------------------------------------------

nb_execution_mode = "off"  # the outputs that are stored in the notebooks are shown
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type"]  # interactive figures: a still stands beside each
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

# --- The reference -------------------------------------------------------------------------------

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
autosummary_generate = False
add_module_names = False
python_use_unqualified_type_names = True

nitpicky = True  # a reference to nothing is an error, if it is to a public name of this package
nitpick_ignore_regex = [("py:.*", r"(?!gsmflow_lite\b).*|.*\._\w+")]

# --- The pages -----------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"gsmflow_lite {release}"
html_copy_source = False
html_static_path = ["style"]
html_css_files = ["site.css"]


# ``make docs`` writes the page that computes beside the others: sphinx-build -t page.
TRY_FIRST = """
```{raw} html
<p><strong><a href="playground.html">Try it first: letters that nobody drew</a></strong>,
imagined in your browser, with nothing to install.</p>
```
"""


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Put the contents of the site behind the first page, and the solutions behind theirs."""
    if name == root_doc:
        if tags.has("page"):  # noqa: F821
            heading, rest = source[0].split("\n", 1)
            source[0] = f"{heading}\n{TRY_FIRST}\n{rest}"
        source[0] += "".join(toctree(pages, caption) for caption, pages in CONTENTS.items())
    if name == SOLUTIONS:
        source[0] += toctree(["notebooks/solutions/[0-9]*"], "Solutions")


def toctree(pages: list[str], caption: str) -> str:
    """Write a hidden table of contents in Markdown."""
    entries = "\n".join(f"/{page}" for page in pages)
    return f"\n\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{entries}\n```\n"


def write_front_door(app: Sphinx, error: Exception | None) -> None:
    """Lead from index.html, where a browser looks first, to the first page."""
    if error is None and app.builder.format == "html":
        page = f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n'
        Path(app.outdir, "index.html").write_text(page)


def setup(app: Sphinx) -> None:
    """Connect the two functions above."""
    app.connect("source-read", add_contents)
    app.connect("build-finished", write_front_door)
