"""Sentences in the class designer: a box to write one in, and words about the texts near it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from ..datasets.base import GZSLDataset
from ..errors import ConfigError, DataError, GSMFlowError
from ..explorer.invention import Invented
from ..figures.style import short
from ..texts.class_names import plain_names
from ..texts.encoders import TextEncoder, encoder_of
from . import show
from .controls import button

SentenceEncoder = TextEncoder | Callable[[list[str]], Any] | str

LONGEST_SENTENCE = 1000  # characters: it must fit into the text of a state
TEXTS_NAMED = 3  # of the nearest classes


class Sentences:
    """What reads the sentences of a designer, with the box to write them in.

    ``problem`` says why none can be read, for instance because the encoder is not installed; it is
    empty where they can.
    """

    help = "Describe a class in a sentence and press Enter: where does what is synthesized land?"

    def __init__(self, dataset: GZSLDataset, encoder: SentenceEncoder | None) -> None:
        self.dataset = dataset
        self.was_given = encoder is not None
        self.encoder: TextEncoder | None = None
        self.problem = ""
        try:
            self.encoder = encoder_of(dataset, encoder)
        except (ConfigError, DataError) as error:
            self.problem = f"Sentences cannot be read: {error}"

    def attach(self, controls: Mapping[str, Any]) -> None:
        """Take the controls of the panel, and make the buttons."""
        self.box: widgets.Text = controls["text"]
        self.start: widgets.Dropdown = controls["start"]
        self.edit = button(
            "Edit its text", "pencil", "Begin with the text of the class", self._edit
        )
        self.edit.layout.width = "128px"
        self.clear = button("Clear", "eraser", "Go back to the class below", self._clear)
        self.buttons = [self.edit, self.clear]
        self.box.disabled = self.encoder is None
        self.edit.disabled = self.encoder is None
        for control in (self.box, self.start):
            control.observe(lambda _: self._follow(), names="value")
        self._follow()

    def _follow(self) -> None:
        """Say in the empty box how the class is described, and take away what does nothing."""
        self.box.placeholder = f"Describe a class, as in: {short(self._own_text, 60)}"
        written = bool(self.box.value.strip())
        self.start.disabled = written  # the sentence takes its place
        self.clear.disabled = not written

    @property
    def _own_text(self) -> str:
        number = self.dataset.unique_names.index(self.start.value)
        return self.dataset.texts[number][0] if self.dataset.texts else ""

    def _edit(self) -> None:
        self.box.value = self._own_text[:LONGEST_SENTENCE]

    def _clear(self) -> None:
        self.box.value = ""

    def read(self, text: str) -> dict[str, Any]:
        """Return what :func:`describe` needs for a sentence; nothing for an empty one.

        Raises ``ConfigError`` for a sentence that is too long, and ``GSMFlowError`` where there is
        no encoder to read it.
        """
        if not text.strip():
            return {}
        if len(text) > LONGEST_SENTENCE:
            raise ConfigError(
                f"a sentence must have at most {LONGEST_SENTENCE} characters, got {len(text)}: "
                "shorten it"
            )
        if self.encoder is None:
            raise GSMFlowError(self.problem)
        return {"sentence": text, "encoder": self.encoder}


def nearest_texts(invented: Invented, dataset: GZSLDataset) -> str:
    """The texts nearest to what was asked, and the class nearest to what was synthesized."""
    near = invented.nearest("cosine", TEXTS_NAMED)
    lines = [
        f"<li>{show.name(row['class'])}, {_kind(row)}, {row['cosine']:.2f}"
        f"{_quoted(dataset, int(number))}</li>"
        for number, row in near.iterrows()
    ]
    lands = invented.nearest("distance", 1).iloc[0]
    return (
        f"<b>Nearest descriptions</b>, by cosine<ol>{''.join(lines)}</ol>"
        f"What is synthesized lands nearest to real {show.name(lands['class'])}, {_kind(lands)}."
    )


def _kind(row: Any) -> str:
    return "seen" if row["seen"] else "<b>unseen</b>"


def _quoted(dataset: GZSLDataset, number: int) -> str:
    if dataset.texts is None:
        return ""
    text = dataset.texts[number][0]
    if plain_names([text]) == plain_names([dataset.class_names[number]]):
        return ""  # it would stand there twice
    return f": {escape(show.in_quotes(text))}"
