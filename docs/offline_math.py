"""Formulas as MathML, which browsers draw by themselves: the pages need no network."""

from __future__ import annotations

import html
import re

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(mathml(node))
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(f'<div class="math">{mathml(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def mathml(node: nodes.math | nodes.math_block, *, as_block: bool = False) -> str:
    """Convert the TeX of a formula. Show it as it is, with a warning, where docutils cannot."""
    formula = plain_tex(node.astext())
    try:
        return latex2mathml.tex2mathml(formula, as_block=as_block)
    except MathError as error:
        logger.warning("%s: %s", error, formula, location=node)
        return f"<code>{html.escape(formula)}</code>"


def plain_tex(formula: str) -> str:
    r"""Write in other words what docutils does not know.

    >>> plain_tex(r"\Big(\textstyle\sum_i x_i\Big)")
    '\\Bigl(\\sum_i x_i\\Bigl)'
    """
    sized = re.sub(r"\\([bB]igg?)(?![a-zA-Z])", r"\\\1l", formula)
    return sized.replace(r"\textstyle", "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
