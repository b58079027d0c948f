"""Other draws of seen and unseen classes from the same data.

Where classes are made of parts (attributes in groups, of which each class has one), what was never
seen cannot be made. So draws see to it that the parts of unseen classes occur among the seen ones.
Everywhere, ``parts`` says which class has which part.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from ..errors import ConfigError

ENOUGH = 4  # seen classes that each part of an unseen class should occur in


def draw_unseen(
    order: Int[np.ndarray, " K"],
    count: int,
    parts: Bool[np.ndarray, "K P"] | None,
) -> Int[np.ndarray, " U"]:
    """Return ``count`` classes, the first of ``order`` whose parts the others still have.

    Raises ``ConfigError`` if there are not so many.
    """
    if parts is None:
        return order[:count]
    drawn = draw_keeping_parts(order, order, count, parts)
    if drawn is None:
        raise ConfigError(
            f"each attribute of an unseen class must occur in a seen one, but no draw of {count} "
            "unseen classes leaves them: leave more classes in, or give attribute_groups=None"
        )
    return drawn


def draw_keeping_parts(
    order: Int[np.ndarray, " n"],
    among: Int[np.ndarray, " M"],
    count: int,
    parts: Bool[np.ndarray, "K P"],
) -> Int[np.ndarray, " count"] | None:
    """Return ``count`` classes of ``order`` whose parts the rest of ``among`` still has.

    Each part must occur in ENOUGH of the rest, or else in fewer, but at least in one. None if there
    are not so many classes.
    """
    for least in range(ENOUGH, 0, -1):
        counts = parts[among].sum(0)
        drawn: list[int] = []
        for number in order:
            if len(drawn) == count:
                break
            if (counts[parts[number]] > least).all():
                drawn.append(int(number))
                counts = counts - parts[number]
        if len(drawn) == count:
            return np.array(drawn, np.int64)
    return None


def order_of_need(
    order: Int[np.ndarray, " S"],
    unseen: Int[np.ndarray, " U"],
    parts: Bool[np.ndarray, "K P"] | None,
) -> Int[np.ndarray, " S"]:
    """Return ``order`` with those classes first that have parts of unseen classes.

    They come until each of these parts occurs in ENOUGH of them; the rarest part comes first.
    """
    if parts is None:
        return order
    needed = parts[unseen].any(0)
    counts = np.zeros(parts.shape[1], np.int64)
    rest = order
    first: list[int] = []
    while len(rest):
        worth = np.where(needed & (counts < ENOUGH), 8.0**-counts, 0)
        gain = parts[rest] @ worth
        best = int(gain.argmax())
        if not gain[best]:
            break
        first.append(int(rest[best]))
        counts = counts + parts[rest[best]]
        rest = np.delete(rest, best)
    return np.append(np.array(first, np.int64), rest)
