"""Letters and digits of real typefaces, embedded in the package; features decode to pictures."""

from __future__ import annotations

from .base import GZSLDataset
from .typefaces import dataset_of_faces, embedded, read_faces


def glyphs(components: int | None = 64) -> GZSLDataset:
    """Load 47 classes of letters and digits: one picture of each class in each typeface.

    The attributes of a class describe its strokes. Features are ``components`` whitened principal
    components of the pixels. Where ``components`` is None, they are the 784 pixels themselves,
    from 0 (paper) to 1 (ink). Whole typefaces are held out for ``test_seen``; ``groups`` are
    families of typefaces. ``decode`` turns features into pictures of 28 x 28 pixels. Raises
    ``DataError`` if the embedded file is missing or damaged.
    """
    path = embedded("glyphs.npz", "build_glyphs.py")
    content = read_faces(path, "families", "class_names", "attributes", "attribute_names")
    dataset = dataset_of_faces(
        content,
        content["families"],
        attributes=content["attributes"],
        class_names=content["class_names"].tolist(),
        attribute_names=content["attribute_names"].tolist(),
        name="glyphs",
        source="the embedded glyphs.npz",
    )
    return dataset if components is None else dataset.preprocessed("whitened-pca", components)
