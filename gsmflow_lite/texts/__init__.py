"""Words as descriptions of classes: texts are read, and an encoder makes attributes of them.

- ``descriptions``: what is read of descriptions becomes the attributes of classes
- ``reading``: texts by class, of files, dicts and the names of classes
- ``class_names``: the words in names of classes, and which name means which class
- ``encoders``: ``text_encoder``, by a name or of any function
- ``static_vectors``: the default encoder, whose weights come with a package
- ``towers``: encoders of sentence-transformers and open_clip
"""

from __future__ import annotations

from .descriptions import Descriptions, read_descriptions
from .encoders import TextEncoder, encoder_of, text_encoder
from .reading import read_texts

__all__ = [
    "Descriptions",
    "TextEncoder",
    "encoder_of",
    "read_descriptions",
    "read_texts",
    "text_encoder",
]
