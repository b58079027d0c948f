"""Images as features: a folder of images becomes a data set, through a backbone.

- ``from_images``: the whole way, from a folder to a data set
- ``folder``: which images a folder holds, and of which classes; ``table``: the same of a table
- ``reading``: one file becomes an array of colours, or one sentence; ``headers``: what its bytes
  say before it is decoded; ``pixels``: whatever numbers it holds become colours
- ``class_split``: which classes are unseen, and which images are for tests
- ``backbones``: ``backbone``, by a name or of any function
- ``lite0``: the default one, whose weights come with a package; ``libraries``: those of others
- ``extraction``: from files to rows of features, a batch at a time
- ``cache``: features and small pictures on disk, by the content of files
"""

from __future__ import annotations

from .backbones import Backbone, backbone
from .folder import Listing, list_folder
from .from_images import from_images
from .reading import read_image, thumbnail
from .table import list_table

__all__ = [
    "Backbone",
    "Listing",
    "backbone",
    "from_images",
    "list_folder",
    "list_table",
    "read_image",
    "thumbnail",
]
