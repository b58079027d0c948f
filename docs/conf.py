"""Settings of Sphinx: the reference is what the docstrings say. make docs builds it into build/docs."""

import gsmflow_lite

project = "gsmflow_lite"
version = release = gsmflow_lite.__version__
copyright = author = "The gsmflow_lite authors"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True

nitpicky = True  # a reference to nothing is an error, if it is to a public name of this package
INTERNAL = r".*\._\w+|gsmflow_lite\.panels\.(worker|dissect)\.\w+"
nitpick_ignore_regex = [("py:.*", rf"(?!gsmflow_lite\b).*|{INTERNAL}")]

html_title = f"gsmflow_lite {release}"
html_theme_options = {
    "description": "What a generative model synthesizes of unseen classes",
    "page_width": "1100px",
}
html_copy_source = False
