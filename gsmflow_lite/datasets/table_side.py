"""One side of the table of attributes: its classes or its attributes, their order and names.

A side may be named twice, by the table itself (an index, the keys of a dict) and by
``class_names`` or ``attribute_names``. The names win over the places, and where both say different
things, that is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, KeysView, Mapping, Set, Sized
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Int, Shaped

from ..errors import DataError
from .inputs import as_array, at_source, whole_numbers
from .names import Key, as_key, as_text, did_you_mean, is_missing, whole_number_in

MOST_CLOSE_NAMES = 2000  # names among which one that was nearly meant is looked for


@dataclass(frozen=True, eq=False)
class TableSide:
    """The classes (or the attributes) of a table, in the order of their numbers."""

    what: str  # class or attribute
    order: Int[np.ndarray, " K"]  # the places in the table as it was given
    names: tuple[str, ...]  # empty if there are none
    keys: tuple[Key, ...]  # of the table; empty if it has none
    numbers: Mapping[int, int] | None  # the class that each of the user's numbers means, or places
    source: str

    @classmethod
    def read(
        cls,
        what: str,
        count: int,
        keys: Iterable[Any] | None,
        names: Any,
        source: str,
        has_places: bool = True,
    ) -> TableSide:
        """Reconcile the ``keys`` of a table with what the user gave as ``<what>_names``.

        ``keys`` is None for a table without any. ``has_places`` says whether the places in the
        table may be the numbers of the classes. Raises ``DataError``.
        """
        reader = _Reader(what, count, tuple(map(as_key, keys or ())), source, has_places)
        return reader.side(names)

    @property
    def is_named(self) -> bool:
        """Whether anything but its place says which class is which."""
        counted = tuple(range(len(self.keys)))
        return self.keys != counted or self.names not in ((), tuple(map(str, counted)))

    @property
    def numbers_count(self) -> bool:
        """Whether the numbers that call the classes are 0, 1, 2 and so on."""
        counted = range(len(self.order))
        return self.numbers is None or self.numbers == dict(zip(counted, counted, strict=True))

    def find(self, values: Any, what: str) -> Shaped[np.ndarray, " n"]:
        """Return the numbers of the classes that ``values`` call by number, key or name.

        ``what`` is what the values are, for messages. Raises ``DataError``.
        """
        labels = _flat(values, what, self.source)
        if labels.dtype.kind in "iuf" and self.numbers_count:
            _check_present(labels, what, self.source)
            return self._of_places(whole_numbers(labels, what, self.source), what)
        listed = labels.tolist()
        _check_labels(listed, what, self.source)
        number_of = self._number_of_each(dict.fromkeys(listed))
        found = [number_of[label] for label in listed]
        if None in found:
            self._refuse(listed[found.index(None)], found.count(None), what)
        return np.array(found, np.int64)

    def _of_places(self, labels: Int[np.ndarray, " n"], what: str) -> Int[np.ndarray, " n"]:
        """Return numbers as they are, unless only names that are numbers have all of them.

        GZSLDataset checks their range.
        """
        names = _whole_numbers(self.names) if self.numbers is None and not self.keys else []
        if not names or names == list(range(len(names))) or not len(labels):
            return labels
        number_of = {name: number for number, name in enumerate(names)}
        used = np.unique(labels)
        are_names = all(number in number_of for number in used.tolist())
        are_places = used[0] >= 0 and used[-1] < len(names)
        if are_names and are_places:
            raise DataError(
                f"{at_source(self.source)}{what} may be places or names, because the names are "
                f"numbers in another order ({', '.join(self.names[:5])} ...): give "
                f"{self.what}_names as a dict from number to name"
            )
        if not are_names:
            return labels
        return np.array([number_of[label] for label in labels.tolist()], np.int64)

    def _number_of_each(self, labels: Iterable[Any]) -> dict[Any, int | None]:
        """Return what each label means. Texts are all names or, if none is one, all numbers."""
        keys = {label: as_key(label) for label in labels}
        texts = {label: key for label, key in keys.items() if isinstance(key, str)}
        found = {label: self._by_text.get(key) for label, key in texts.items()}
        if all(number is None for number in found.values()):
            found = {label: self._by_number(key) for label, key in texts.items()}
        numbers = {label: self._by_number(key) for label, key in keys.items() if label not in texts}
        return found | numbers

    def _by_number(self, key: Key) -> int | None:
        number = whole_number_in(key)
        if number is None:
            return None
        if self.numbers is not None:
            return self.numbers.get(number)
        return number if 0 <= number < len(self.order) else None

    @cached_property
    def _by_text(self) -> dict[str, int]:
        """The number of each key and each name. Raises ``DataError`` where one stands for two."""
        found: dict[str, int] = {}
        for listed in (self.keys, self.names):
            for number, key in enumerate(map(as_text, listed)):
                if found.setdefault(key, number) != number:
                    raise DataError(
                        f"{at_source(self.source)}{self.what} names must differ, but {key!r} "
                        f"stands for {self.what} {found[key]} and {self.what} {number}: rename one"
                    )
        return found

    def _refuse(self, label: Any, count: int, what: str) -> None:
        where = at_source(self.source)
        known = list(dict.fromkeys([*self.keys, *self.names])) or list(self.numbers or ())
        if isinstance(label, bool):
            raise DataError(
                f"{where}{what} must be numbers or names, got {label}: turn them into numbers "
                "with astype(int)"
            )
        if self.numbers == {} and whole_number_in(as_key(label)) is not None:
            raise DataError(
                f"{where}{what} are numbers ({label!r} ...), but attributes are a dict by name, "
                "which numbers nothing: give names, or class_names in the order of the numbers"
            )
        if not known:
            raise DataError(
                f"{where}{what} are names ({label!r} ...), so {self.what}_names must name "
                "the rows of attributes"
            )
        close = did_you_mean(label, known[:MOST_CLOSE_NAMES])
        plural = {"class": "classes"}.get(self.what, f"{self.what}s")
        raise DataError(
            f"{where}{what} must be among the {plural} ({', '.join(map(str, known[:5]))} ...), "
            f"got {label!r} ({count} such entries): correct the spelling, "
            f"or add its row of attributes{close}"
        )


# --- keys and names ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reconciles the keys of a table with the names that the user gave."""

    what: str
    count: int
    keys: tuple[Key, ...]  # empty if the table has none
    source: str
    has_places: bool

    def side(self, names: Any) -> TableSide:
        given = self._given(names)
        if isinstance(given, dict):
            return self._by_mapping(given)
        if given and not self._may_be(len(given)):
            self._refuse(f"must be {self.count}, one per {self.what}, got {len(given)}")
        return self._by_list(given) if given else self._by_keys()

    def _may_be(self, count: int) -> bool:
        """Return whether there may be so many names: as many as rows, or some of the table's."""
        return count == self.count or (bool(self.keys) and count < self.count)

    def _given(self, names: Any) -> list[str] | dict[Key, Any]:
        """Return names as a list, or a dict where they come with keys. None are an empty list."""
        if names is None:
            return []
        if isinstance(names, Set) and not isinstance(names, KeysView):
            self._refuse(f"must have an order, got a {type(names).__name__}: give a list")
        if isinstance(names, str | bytes):
            self._refuse(f"must be a list of names, got the text {names!r}: put it into a list")
        if hasattr(names, "iloc") and not is_counted(names.index):
            names = dict(zip(names.index, names, strict=True))
        if isinstance(names, Mapping):
            return self._keyed(names)
        if not isinstance(names, Iterable):
            self._refuse(f"must be a list of names, got {names!r}")
        count = len(names) if isinstance(names, Sized) else 0  # a file may have millions
        if count and not self._may_be(count):
            self._refuse(f"must be {self.count}, one per {self.what}, got {count}")
        listed = list(names)
        for place, name in enumerate(listed):
            self._check_name(name, place)
        return [as_text(as_key(name)) for name in listed]

    def _keyed(self, names: Mapping) -> dict[Key, Any]:
        for key, name in names.items():
            self._check_name(name, key)
        keyed = {as_key(key): name for key, name in names.items()}
        if len(keyed) < len(names):
            self._refuse("has two keys that are the same name or number: leave one out")
        return keyed

    def _check_name(self, name: Any, place: Any) -> None:
        is_several = isinstance(name, list | dict | tuple) or np.ndim(name) > 0
        if is_several or is_missing(name):
            self._refuse(f"must be names, got {name!r} for {place!r}: give one text each")

    def _by_keys(self) -> TableSide:
        order = self._order_of_keys()
        names = tuple(as_text(self.keys[place]) for place in order) if self.keys else ()
        return self._made(order, names)

    def _order_of_keys(self) -> np.ndarray:
        """Number k stands in place k, where the keys are the numbers from 0 in any order."""
        numbers = self._numbers_in_keys()
        if sorted(numbers) == list(range(self.count)):
            return np.argsort(numbers)
        return np.arange(self.count)

    def _numbers_in_keys(self) -> list[int]:
        """Return the number that each key is or says; empty if one is none, or two are the same."""
        numbers = _whole_numbers(self.keys)
        return numbers if len(set(numbers)) == len(numbers) else []

    def _by_list(self, names: list[str]) -> TableSide:
        """A list names the classes in the order of their numbers."""
        if not self.keys:
            return self._made(np.arange(self.count), tuple(names))
        texts = list(map(as_text, self.keys))
        if len(set(texts)) == len(texts) and set(names) <= set(texts):
            return self._some_first(dict(enumerate(names)))
        if len(names) == self.count and is_ascending(self._numbers_in_keys()):
            return self._made(np.arange(self.count), tuple(names))
        strange = next((name for name in names if name not in texts), names[0])
        self._refuse(
            f"must be those of the table ({', '.join(texts[:5])} ...), got {strange!r}: "
            "leave them out, or give a dict from the table's to yours"
            f"{did_you_mean(strange, texts[:MOST_CLOSE_NAMES])}"
        )

    def _by_mapping(self, names: dict[Key, Any]) -> TableSide:
        """A dict names classes by number, numbers them by name, or renames those of the table."""
        left = _whole_numbers(names)
        right = _whole_numbers(map(as_key, names.values()))
        if left and right and _are_texts(names) and not _are_texts(names.values()):
            left = []  # names that are numerals, with the number of each
        if left:
            is_doubtful = _are_texts(names) == _are_texts(names.values())
            if is_doubtful and set(left) == set(right) and left != right:
                self._refuse("maps numbers to the same numbers in another order: give a list")
            by_number = dict(zip(left, map(as_text, names.values()), strict=True))
        elif right:
            by_number = dict(zip(right, map(as_text, names), strict=True))
        else:
            return self._renamed({as_text(key): as_text(name) for key, name in names.items()})
        if len(by_number) < len(names):
            self._refuse("gives one number to two names: number each once")
        return self._numbered(by_number)

    def _renamed(self, new_name: dict[str, str]) -> TableSide:
        texts = list(map(as_text, self.keys))
        missing = [text for text in texts if text not in new_name]
        if not texts:
            self._refuse(
                "as a dict must map numbers to names, or names to numbers, where the table has "
                "no names of its own: give a list in the order of the rows"
            )
        if missing:
            self._refuse(
                f"must have an entry for each of the table, got none for {missing[0]!r}"
                f"{did_you_mean(missing[0], new_name)}"
            )
        order = self._order_of_keys()
        return self._made(order, tuple(new_name[texts[place]] for place in order))

    def _numbered(self, name_of: dict[int, str]) -> TableSide:
        """Names by the numbers that labels have."""
        numbers = sorted(name_of)
        if not self.keys:
            if numbers != list(range(self.count)):
                self._refuse(
                    f"must number the rows of attributes from 0 to {self.count - 1}, "
                    f"got {len(numbers)} from {numbers[0]} to {numbers[-1]}: correct the numbers"
                )
            places = {k: k for k in numbers}  # numbers are meant, even if names are numbers, too
            return self._made(np.arange(self.count), tuple(name_of[k] for k in numbers), places)
        own = self._numbers_in_keys()
        if own and set(own) <= set(numbers):
            order = self._order_of_keys()
            return self._made(order, tuple(name_of[own[place]] for place in order))
        return self._found_in_table(numbers, name_of)

    def _found_in_table(self, numbers: list[int], name_of: dict[int, str]) -> TableSide:
        """Both sides have names: the table its keys, and each number another one."""
        texts = list(map(as_text, self.keys))
        strange = [name_of[k] for k in numbers if name_of[k] not in texts]
        known = {k: name_of[k] for k in numbers if name_of[k] in texts}
        repeated = len(set(texts)) < len(texts) or len(set(known.values())) < len(known)
        if repeated or (strange and len(known) < self.count):
            got = repr(strange[0]) if strange else "a name that occurs twice"
            close = did_you_mean(strange[0], texts[:MOST_CLOSE_NAMES]) if strange else ""
            self._refuse(
                f"must be those of the table ({', '.join(texts[:5])} ...), got {got}: correct the "
                f"spelling{close}"
            )
        return self._some_first(known)

    def _some_first(self, name_of: Mapping[int, str]) -> TableSide:
        """Number some classes of the table, or all; the others come after them, unnumbered."""
        texts = list(map(as_text, self.keys))
        place_of = {text: place for place, text in enumerate(texts)}
        first = [place_of[name] for name in name_of.values()]
        others = [place for place in range(self.count) if place not in set(first)]
        order = np.array(first + others)
        numbers = {number: k for k, number in enumerate(name_of)}
        return self._made(order, tuple(texts[place] for place in order), numbers)

    def _made(
        self,
        order: np.ndarray,
        names: tuple[str, ...],
        numbers: dict[int, int] | None = None,
    ) -> TableSide:
        keys = tuple(self.keys[place] for place in order) if self.keys else ()
        if numbers is None:
            numbers = _number_of_each(keys)
        if numbers is None and keys and not self.has_places and keys != tuple(range(len(keys))):
            numbers = {}
        return TableSide(self.what, order, names, keys, numbers, self.source)

    def _refuse(self, rest: str) -> NoReturn:
        raise DataError(f"{at_source(self.source)}{self.what}_names {rest}")


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str | bytes) for value in values)


def _whole_numbers(keys: Iterable[Key]) -> list[int]:
    """Return the number that each key is or says; empty if one is none."""
    numbers = [whole_number_in(key) for key in keys]
    return [] if None in numbers else [number for number in numbers if number is not None]


def _number_of_each(keys: tuple[Key, ...]) -> dict[int, int] | None:
    """Return which class has which number for its key; None where numbers are places."""
    if keys == tuple(range(len(keys))):
        return None
    numbers = [whole_number_in(key) for key in keys]
    count = Counter(numbers)
    found = {number: k for k, number in enumerate(numbers) if number is not None}
    return {number: k for number, k in found.items() if count[number] == 1} or None


def is_ascending(numbers: list[int]) -> bool:
    """Return whether there are numbers, each larger than the one before."""
    return bool(numbers) and bool((np.diff(numbers) > 0).all())


def is_counted(index: Any) -> bool:
    """Return whether an index of pandas is the default one, which names nothing: 0, 1, 2 ..."""
    return getattr(index, "start", None) == 0 and getattr(index, "step", None) == 1


# --- labels --------------------------------------------------------------------------------------


def _flat(values: Any, what: str, source: str) -> np.ndarray:
    if isinstance(values, str | bytes):
        values = [values]
    elif isinstance(values, list | tuple) and any(isinstance(one, str | bytes) for one in values):
        cells = np.empty(len(values), object)  # NumPy would turn numbers and NaN among text to text
        cells[:] = values
        values = cells
    array = np.atleast_1d(as_array(values, what, source))
    if array.dtype == object:  # MATLAB's cells hold arrays of one text each
        array = array.copy()
        for place, cell in enumerate(array.flat):
            array.flat[place] = _only_entry(cell)
    if array.ndim != 1:
        raise DataError(
            f"{at_source(source)}{what} must be one-dimensional, got shape {array.shape}"
        )
    return array


def _only_entry(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.ndarray) and cell.size == 1 else cell


def _check_labels(labels: list, what: str, source: str) -> None:
    """Raise ``DataError`` for labels that are missing, or no names or numbers."""
    strange = [
        label for label in labels if isinstance(label, list | dict | set | tuple | np.ndarray)
    ]
    if strange:
        raise DataError(
            f"{at_source(source)}{what} must be numbers or names, got {strange[0]!r}: "
            "give one label a row"
        )
    missing = [place for place, label in enumerate(labels) if is_missing(label)]
    if missing:
        _refuse_missing(labels[missing[0]], missing[0], len(missing), what, source)


def _check_present(labels: np.ndarray, what: str, source: str) -> None:
    if labels.dtype.kind != "f":
        return
    missing = np.flatnonzero(np.isnan(labels))
    if len(missing):
        _refuse_missing(labels[missing[0]], int(missing[0]), len(missing), what, source)


def _refuse_missing(label: Any, place: int, count: int, what: str, source: str) -> None:
    raise DataError(
        f"{at_source(source)}{what} must not be missing, got {label} in place {place} "
        f"({count} such entries): fill them in, or leave those rows out"
    )
