"""Korean syllables of real typefaces, embedded in the package; features decode to pictures."""

from __future__ import annotations

from .base import GZSLDataset
from .syllables import PART_GROUPS, PART_NAMES, attributes_of, romanised
from .typefaces import dataset_of_faces, embedded, read_faces


def hangul(components: int | None = 96) -> GZSLDataset:
    """Load 900 classes of Korean syllables: one picture of each class in each typeface.

    The attributes of a class are the parts that the syllable is made of: one of 19 initials, of 21
    vowels and of 28 finals (*none* is one), see :mod:`~gsmflow_lite.datasets.syllables`. Each part
    of an unseen syllable occurs in at least 4 seen ones. Features are ``components`` whitened
    principal components of the pixels. Where ``components`` is None, they are the 784 pixels
    themselves, from 0 (paper) to 1 (ink). Whole designs of typefaces are held out for
    ``test_seen``; ``groups`` are designs. ``decode`` turns features into pictures of 28 x 28
    pixels. Raises ``DataError`` if the embedded file is missing or damaged.
    """
    path = embedded("hangul.npz", "build_hangul.py")
    content = read_faces(path, "designs", "syllables")
    syllables = content["syllables"].tolist()
    dataset = dataset_of_faces(
        content,
        content["designs"],
        attributes=attributes_of(syllables),
        class_names=[f"{romanised(syllable)} {syllable}" for syllable in syllables],
        attribute_names=PART_NAMES,
        attribute_groups=PART_GROUPS,
        name="hangul",
        source="the embedded hangul.npz",
    )
    return dataset if components is None else dataset.preprocessed("whitened-pca", components)
