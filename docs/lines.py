"""Draw unseen letters and syllables, real and as the shipped flows synthesize them.

    python docs/lines.py      # writes docs/images/letters.png and syllables.png

One line each of real pictures, a ridge-Gaussian and the flow. Both generators get the same noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gsmflow_lite.figures import picture_grid
from gsmflow_lite.generators.zoo import Zoo, glyph_zoo, hangul_zoo
from gsmflow_lite.seeds import stream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGES = Path(__file__).parent / "images"
TEMPERATURE = 0.5
SEED = 0
SHOWN = 12


def main() -> None:
    for name, zoo in {"letters": glyph_zoo(), "syllables": hangul_zoo()}.items():
        lines(zoo).savefig(IMAGES / f"{name}.png", dpi=110, bbox_inches="tight")
        print(f"docs/images/{name}.png")


def lines(zoo: Zoo) -> Figure:
    """Draw at most 12 unseen classes, evenly spread over all of them."""
    dataset = zoo.dataset
    unseen = dataset.unseen_classes
    classes = unseen[:: -(-len(unseen) // SHOWN)]
    draw = stream(SEED, "rows of a picture")
    assert dataset.images is not None
    assert dataset.decode is not None
    rows = {"real": dataset.images[[draw.choice(dataset.of_class(k)) for k in classes]] / 255}
    for name, generator in {"ridge-Gaussian": zoo.baseline, "flow": zoo.model()}.items():
        attributes = torch.from_numpy(dataset.attributes[classes])
        features = generator.synthesize(attributes, 1, temperature=TEMPERATURE, seed=SEED)
        rows[name] = dataset.decode(features[:, 0].numpy())
    return picture_grid(rows, columns=[dataset.class_names[k] for k in classes])


if __name__ == "__main__":
    main()
