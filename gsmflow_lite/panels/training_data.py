"""The data of the training panel: the data sets to choose from, and the views of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..datasets import GZSLDataset, available, load
from ..datasets.given import dataset_or_load
from ..explorer.replay import View
from ..explorer.scene import Scene
from ..figures.style import short
from ..generators.zoo import ZOOS
from .training_settings import OWN

DataSource = GZSLDataset | str | Path | None  # what a panel can be given as its data


@dataclass(frozen=True)
class Prepared:
    """A choice of data: which data set, and how its features are prepared."""

    data: str  # a name of `available`, or OWN
    preprocessing: str
    components: int | None

    @classmethod
    def by(cls, preset: Config, data: str) -> Prepared:
        """The data set ``data``, prepared as a preset asks for."""
        return cls(data, preset.preprocessing, preset.components)


class TrainingData:
    """The data sets that can be trained on: the embedded ones, and one that the panel was given.

    ``first`` is the one to begin with. Scenes are made once for each choice and kept in ``scenes``.
    """

    def __init__(self, source: DataSource) -> None:
        self.path: Path | str | None = None  # of a file or folder with the own data
        self.own: GZSLDataset | None = None
        self.first = OWN
        self.scenes: dict[Prepared, Scene] = {}

        if source is None:
            self.first = "glyphs"
        elif isinstance(source, GZSLDataset):
            self.own = source
        elif str(source) in available():
            self.first = str(source)
        else:
            self.own = dataset_or_load(source)
            self.path = source

    @property
    def options(self) -> list[tuple[str, str]]:
        """What can be chosen, as pairs of text and value."""
        embedded = [(name, name) for name in available()]
        if self.own is None:
            return embedded
        return [*embedded, (f"your own: {short(self.own.name)}", OWN)]

    def dataset(self, choice: Prepared) -> GZSLDataset:
        """The data set of a choice. Own data that were prepared before stay as they are."""
        dataset = self._raw(choice.data)
        if self._is_ready(choice.data):
            return dataset
        return dataset.preprocessed(choice.preprocessing, choice.components)

    def view(self, choice: Prepared, *, fold: bool) -> View:
        """What is trained on, and its map. ``fold``: validation classes play the unseen ones."""
        dataset = self.dataset(choice)
        if choice not in self.scenes:
            ready = ZOOS.get(choice.data)
            self.scenes[choice] = Scene.of_zoo(ready()) if ready else Scene.first(dataset)
        return View.of(dataset, self.scenes[choice], fold=fold)

    def code(self, choice: Prepared) -> list[str]:
        """The lines of code that make ``dataset``."""
        lines = [self._loading(choice.data)]
        if not self._is_ready(choice.data):
            preparing = f"{choice.preprocessing!r}, {choice.components!r}"
            lines.append(f"dataset = dataset.preprocessed({preparing})")
        return lines

    def _raw(self, data: str) -> GZSLDataset:
        return self.own if data == OWN and self.own is not None else load(data)

    def _is_ready(self, data: str) -> bool:
        """Whether these are own data that their owner has prepared."""
        return data == OWN and self.own is not None and self.own.preprocessing is not None

    def _loading(self, data: str) -> str:
        if data != OWN:
            return f"dataset = load({data!r})"
        if self.path is not None:
            return f"dataset = load({str(self.path)!r})"
        name = "" if self.own is None else short(self.own.name)
        return f"# dataset: the one that was given to train(), {name!r}"
