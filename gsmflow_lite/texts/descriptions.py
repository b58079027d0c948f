"""Descriptions of classes, whatever holds them: attributes, and the texts behind them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..datasets.attribute_matrix import AttributeMatrix
from ..datasets.inputs import at_source
from ..datasets.names import as_text
from ..datasets.wording import Texts
from ..errors import DataError
from .class_names import places_of_classes
from .encoders import DEFAULT_ENCODER, TextEncoder, text_encoder
from .reading import read_texts


@dataclass(frozen=True, eq=False)
class Descriptions:
    """The descriptions of classes, in the order that was asked for.

    ==================== =======================================================================
    ``class_names``      whom they describe
    ``attributes``       one row a class
    ``attribute_names``  what the columns are called; empty if they have no names
    ``attribute_groups`` None: no such file says which attributes are alternatives
    ``texts``            the texts of each class; None where they are numbers
    ``text_encoder``     the full name of what made ``attributes`` of them; empty without texts
    ``notes``            what looks strange, in sentences
    ==================== =======================================================================
    """

    class_names: tuple[str, ...]
    attributes: Float[np.ndarray, "K A"]
    attribute_names: tuple[str, ...] = ()
    attribute_groups: None = None
    texts: Texts | None = None
    text_encoder: str = ""
    notes: tuple[str, ...] = ()


def read_descriptions(
    descriptions: Any,
    class_names: Sequence[str],
    *,
    encoder: str | Callable[[list[str]], Any] | TextEncoder | None = None,
) -> Descriptions:
    """Read what describes each of ``class_names``: a table of numbers, texts, or nothing.

    ``descriptions`` are a file, a dict or a DataFrame of either kind, or None: then the names of
    the classes are their texts. See :func:`read_texts` for texts, and
    :func:`~gsmflow_lite.datasets.read_attribute_table` for numbers. ``encoder`` is what
    :func:`text_encoder` takes; None is its default.

    Classes are matched by name, but for case and underscores; a table without names must have a row
    for each class, in this order. Several texts of a class become the mean of their rows, brought
    to length 1. Raises ``DataError``, and ``ConfigError`` for the encoder.
    """
    names = tuple(map(as_text, class_names))
    texts = read_texts(descriptions, names)
    if texts is None:
        return _of_numbers(descriptions, names)
    used = text_encoder(DEFAULT_ENCODER if encoder is None else encoder)
    rows = mean_rows(used, texts)
    notes = _same_note(names, rows)
    return Descriptions(names, rows, texts=texts, text_encoder=used.name, notes=notes)


def mean_rows(encoder: TextEncoder, texts: Texts) -> Float[np.ndarray, "K A"]:
    """Encode the texts of each class: the mean of their rows, brought to length 1."""
    every = list(dict.fromkeys(text for of_class in texts for text in of_class))
    row_of = dict(zip(every, encoder(every), strict=True))
    means = [np.mean([row_of[text] for text in of_class], axis=0) for of_class in texts]
    lengths = [float(np.linalg.norm(mean)) or 1.0 for mean in means]
    scaled = [mean / length for mean, length in zip(means, lengths, strict=True)]
    return np.stack(scaled).astype(np.float32)


def _of_numbers(descriptions: Any, names: tuple[str, ...]) -> Descriptions:
    table = AttributeMatrix.read(descriptions, (), (), "")
    source = str(descriptions) if isinstance(descriptions, str | os.PathLike) else ""
    if table.classes.is_named:
        found = places_of_classes([str(name) for name in table.classes.names], names, source)
        order = [places[0] for places in found]
    elif len(table.matrix) == len(names):
        order = list(range(len(names)))
    else:
        raise DataError(
            f"{at_source(source)}a table of attributes without names must have a row for each of "
            f"{len(names)} classes, got {len(table.matrix)}: name the classes in its first column"
        )
    rows = table.matrix[order]
    columns = tuple(str(name) for name in table.attributes.names)
    return Descriptions(names, rows, columns, notes=_same_note(names, rows))


def _same_note(names: tuple[str, ...], rows: Float[np.ndarray, "K A"]) -> tuple[str, ...]:
    """Say which two classes have one description, and what will not work then."""
    first: dict[bytes, int] = {}
    for number, row in enumerate(rows):
        other = first.setdefault(row.tobytes(), number)
        if other != number:
            return (
                f"classes {names[other]!r} and {names[number]!r} have the same description: "
                "nothing tells them apart, and where both are unseen, evaluate --labelled cannot "
                "move them",
            )
    return ()
