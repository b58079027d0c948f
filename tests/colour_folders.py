"""Folders of small images of one colour a class, and functions in place of backbones."""

from pathlib import Path

import numpy as np

COLOURS = {
    "red": (220, 20, 20),
    "green": (20, 200, 20),
    "blue": (20, 20, 220),
    "yellow": (220, 220, 20),
    "grey": (128, 128, 128),
}
IMAGES = 5  # of each class


def colour_folder(folder: Path, *, images: int = IMAGES, classes=COLOURS) -> Path:
    """A folder for each class with PNG files; each image has a shade of its own."""
    from PIL import Image

    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(images):
            shade = np.clip(np.array(COLOURS[name]) + 3 * number, 0, 255).astype(np.uint8)
            pixels = np.broadcast_to(shade, (20 + number, 30, 3))
            Image.fromarray(pixels).save(folder / name / f"img{number}.png")
    return folder


class MeanColour:
    """The middle of each image as three features; it counts how many images it was asked."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.asked = 0
        self.stop_after = stop_after

    def __call__(self, images: np.ndarray) -> np.ndarray:
        if self.stop_after is not None and self.asked >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += len(images)
        middle = images.shape[1] // 2
        return images[:, middle, middle].astype(np.float64)


def middle_of(path: Path) -> np.ndarray:
    """What ``MeanColour`` should see of a file of one colour, read by Pillow alone."""
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))[5, 5].astype(np.float32)


def letters_encoder(texts: list[str]) -> np.ndarray:
    """How often each letter occurs in each text."""
    counts = [
        [text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts
    ]
    return np.array(counts, np.float32)
