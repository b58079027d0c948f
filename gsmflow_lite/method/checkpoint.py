"""A training run in one file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import filelock
import numpy as np
import torch
from torch import Tensor

from ..config import TrainingConfig, present_names
from ..datasets.base import GZSLDataset
from ..datasets.on_disk import in_chunks
from ..errors import StorageError
from ..events import Epoch
from ..storage import read_tensors, write_tensors
from .model import GSMFlow

FORMER_START = re.compile(
    r"^(model\.|adam\.\w+\.)base\."
)  # what version 0.1 called the start of a flow
ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a training run: weights, Adam's moments, history, and what they belong to."""

    path: str | Path
    model: GSMFlow
    optimiser: torch.optim.Adam
    config: TrainingConfig
    seed: int
    dataset: GZSLDataset

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While inside, no other process may write this checkpoint; where it dies, its claim does, too.

        Raises ``StorageError`` if another one is at it. This process may enter twice: an interrupted run that a notebook
        still holds must not be in the way of the next.
        """
        path = Path(self.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            claim = filelock.FileLock(
                path.with_name(f".{path.name}.lock"),
                timeout=0,
                is_singleton=True,
                thread_local=False,
            )
            claim.acquire()
        except filelock.Timeout:
            raise StorageError(
                f"{path} must be written by one process at a time, but another one is training there: wait for it, or name "
                "another checkpoint"
            ) from None
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written ({error.strerror or error}): name another checkpoint"
            ) from None
        try:
            yield
        finally:
            if claim.lock_counter == 1:
                with suppress(
                    OSError
                ):  # Windows deletes no file that is open; an old claim is in nobody's way
                    Path(claim.lock_file).unlink()
            claim.release()

    @cached_property
    def identity(self) -> dict[str, object]:
        """What must be the same for training to go on as if it had never stopped; the number of epochs may grow."""
        settings = {name: value for name, value in asdict(self.config).items() if name != "epochs"}
        digest, d = hashlib.sha256(), self.dataset
        for _, rows in in_chunks(d.features, d.train):
            digest.update(rows.tobytes())
        for values in (
            np.searchsorted(d.seen_classes, d.labels[d.train]),
            d.attributes[d.seen_classes],
        ):
            digest.update(values.tobytes())
        if self.model.config.relative_positioning:  # anchors may be descriptions of unseen classes
            digest.update(self.model.positioning.anchors.cpu().numpy().tobytes())
        return {
            "seed": self.seed,
            "data": digest.hexdigest(),
            "model": asdict(self.model.config),
            "training": settings,
        }

    def save(self, history: list[Epoch]) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            moments = self.optimiser.state[parameter]
            tensors |= {f"adam.{key}.{name}": moments[key] for key in ADAM_STATE}
        settings = {
            "kind": "checkpoint",
            "history": [asdict(e) for e in history],
            "identity": self.identity,
        }
        write_tensors(self.path, tensors, settings)

    def resume(self) -> list[Epoch]:
        """Load the state if the file is there; returns the epochs that are done, at most as many as are asked for."""
        if not Path(self.path).exists():
            return []
        tensors, settings = read_tensors(self.path)
        found, wanted = settings.get("identity"), self.identity
        if settings.get("kind") != "checkpoint" or not isinstance(found, dict):
            raise StorageError(
                f"{self.path} must be a training checkpoint, got another file: name a new one"
            )
        if isinstance(found.get("model"), dict):
            found = found | {"model": present_names(found["model"])}
        tensors = {FORMER_START.sub(r"\1start.", name): value for name, value in tensors.items()}
        for part, value in wanted.items():
            if found.get(part) != value:
                raise StorageError(
                    f"{self.path} belongs to a run with another {part} ({found.get(part)!r}, now {value!r}): "
                    "name another checkpoint, or go back to those"
                )
        try:
            history = [_told(epoch) for epoch in settings["history"]]
            moments = {
                parameter: _moments(tensors, name, parameter)
                for name, parameter in self.model.named_parameters()
            }
            weights = {
                k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")
            }
            if not all(value.isfinite().all() for value in weights.values()):
                raise ValueError("its weights are not finite")
            self.model.load_state_dict(weights)
            self.optimiser.state.update(moments)
        except (ArithmeticError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise StorageError(
                f"{self.path} must hold a whole training state, but {error}: it is damaged, delete it"
            ) from None
        if len(history) > self.config.epochs:
            raise StorageError(
                f"{self.path} has {len(history)} epochs done, more than the {self.config.epochs} asked for: "
                "name another checkpoint"
            )
        return [replace(epoch, epochs=self.config.epochs) for epoch in history]


def _moments(tensors: dict[str, Tensor], name: str, parameter: Tensor) -> dict[str, Tensor]:
    """Adam's state of one parameter from a file. Its fused step would read past the end of what is too short."""
    state = {key: tensors[f"adam.{key}.{name}"] for key in ADAM_STATE}
    shapes = {key: torch.Size() if key == "step" else parameter.shape for key in ADAM_STATE}
    for key, value in state.items():
        kind = torch.float32 if key == "step" else parameter.dtype
        if value.shape != shapes[key] or value.dtype != kind or not value.isfinite().all():
            raise ValueError(
                f"adam.{key}.{name} must be finite numbers of type {kind} and shape {tuple(shapes[key])}"
            )
    return {
        key: value.to("cpu" if key == "step" else parameter.device) for key, value in state.items()
    }


def _told(values: dict[str, object]) -> Epoch:
    """An epoch from a file, of finite numbers."""
    epoch = Epoch(**values)
    numbers = [value for key, value in asdict(epoch).items() if (key, value) != ("score", None)]
    if not all(type(value) in (int, float) and np.isfinite(float(value)) for value in numbers):
        raise ValueError(f"an epoch of its history must be finite numbers, got {values}")
    return epoch
