"""Whether the classes of the features and of the descriptions stand in one order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from .base import GZSLDataset
from .explained import Explained, explained_share, few_of
from .left_out import LeftOut, ratio
from .statistics import class_means

FARTHEST_SHIFT = 5  # places that a table may be off
MOST_ORDERED = 200  # that are looked at, drawn at random
SURELY = 0.999  # that the other order explains more, for all orders at once


class OtherOrder(NamedTuple):
    """An order of the descriptions that explains more than the one given.

    ``order[k]`` is the row of the attributes that would describe class k, ``share`` what that
    explains, and ``words`` how it comes about.
    """

    words: str
    order: Int[np.ndarray, " K"]
    share: float


def order_note(dataset: GZSLDataset) -> str:
    """Return a sentence if descriptions seem to be those of other classes, or empty text.

    That is so if they explain no more than shuffled ones, or less than in another order that a slip
    often makes. Nothing is asked where the names of the classes describe them: these are in order.
    """
    found = explained_share(dataset)
    if found.unclear or _names_describe(dataset):
        return ""
    other = other_order(dataset)
    if other is None and found.beyond_chance:
        return ""
    asked = "are the classes of the features and of the descriptions in the same order?"
    note = f"{_what_was_found(found)}: {asked}"
    if other is None:
        return note
    return f"{note} {other.words[0].upper()}{other.words[1:]}, they explain {other.share:.0%}."


def _names_describe(dataset: GZSLDataset) -> bool:
    """Whether the only text of each class is its name, whatever stands between its words."""
    if dataset.texts is None:
        return False
    return all(
        [_letters(text) for text in texts] == [_letters(name)]
        for texts, name in zip(dataset.texts, dataset.class_names, strict=True)
    )


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text.casefold()))


def _what_was_found(found: Explained) -> str:
    if found.beyond_chance:
        return f"descriptions explain {found.share:.0%} of where classes lie, in another order more"
    return (
        "descriptions explain nothing of where classes lie beyond chance "
        f"({max(found.share, 0):.1%} of the variance between seen classes, shuffled ones up to "
        f"{max(found.chance, 0):.1%})"
    )


def other_order(dataset: GZSLDataset, *, seed: int = 0) -> OtherOrder | None:
    """Return the order of the descriptions that explains surely more than the one given.

    Tried are tables that are some places off, reversed, sorted by name or not, and with seen
    classes before unseen ones. Of many classes 200 are looked at. None where no order does better,
    or where :func:`explained_share` cannot tell.
    """
    found = explained_share(dataset)
    if found.unclear:
        return None
    seen = few_of(dataset.seen_classes, MOST_ORDERED, seed)
    means = class_means(dataset, seen, dataset.train)
    given = LeftOut.of(means, dataset.attributes[seen])
    best: OtherOrder | None = None
    orders = _orders(dataset)
    sure = 1 - 2 * (1 - SURELY) / max(1, len(orders))  # on one side, by Bonferroni
    for words, order in orders.items():
        data = LeftOut.of(means, dataset.attributes[order][seen])
        better = ratio(given.errors - data.errors, given.without, sure)
        share = data.share.value
        if better.low > 0 and share > found.chance and (best is None or share > best.share):
            best = OtherOrder(words, order, share)
    return best


def _orders(dataset: GZSLDataset) -> dict[str, Int[np.ndarray, " K"]]:
    """Orders that slips make, by what would have to be done to the descriptions; each once."""
    count = len(dataset.attributes)
    own = np.arange(count)
    tried = {}
    for places in range(1, min(FARTHEST_SHIFT, count - 1) + 1):
        tried[f"with each class described by the {_row(places)} after its own"] = (
            own + places
        ) % count
        tried[f"with each class described by the {_row(places)} before its own"] = (
            own - places
        ) % count
    tried["with the descriptions in reverse"] = own[::-1]
    seen_first = np.concatenate([dataset.seen_classes, dataset.unseen_classes])
    listed = {
        "sorted by name": _sorted_by(dataset.class_names, str.casefold),
        "sorted by name, numbers by size": _sorted_by(dataset.class_names, _by_size),
        "with seen classes first": np.concatenate([seen_first, np.setdiff1d(own, seen_first)]),
    }
    for how, order in listed.items():
        tried[f"if the descriptions stand {how}"] = np.argsort(order)
        tried[f"if the features are numbered {how}"] = order
    different: dict[bytes, str] = {own.tobytes(): ""}
    for words, order in tried.items():
        different.setdefault(np.ascontiguousarray(order).tobytes(), words)
    return {words: tried[words] for words in different.values() if words}


def _row(places: int) -> str:
    return "row" if places == 1 else f"row {places} places"


def _sorted_by(names: Sequence[str], key: Callable[[str], object]) -> Int[np.ndarray, " K"]:
    keys = [key(name) for name in names]
    return np.array(sorted(range(len(names)), key=lambda k: (keys[k], k)))


def _by_size(name: str) -> list[tuple[int, str]]:
    """A key by which 2 comes before 10."""
    pieces = re.split(r"(\d+)", name.casefold())
    bare = [piece.lstrip("0") if piece.isdecimal() else piece for piece in pieces]
    digits = [len(piece) if piece.isdecimal() else -1 for piece in bare]
    return list(zip(digits, bare, strict=True))
