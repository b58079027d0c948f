"""A training run in one file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

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
from .model import GSMFlow, present_tensor_names
from .semantics import RelativePositioning

ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a training run, and what it belongs to.

    The state are the weights, Adam's moments and the history of epochs.
    """

    path: str | Path
    model: GSMFlow
    optimiser: torch.optim.Adam
    config: TrainingConfig
    seed: int
    dataset: GZSLDataset

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from writing this checkpoint while the block runs.

        If this process dies, its claim ends too. The same process may enter twice: an interrupted
        run that a notebook still holds must not block the next one.
        Raises ``StorageError`` if another process is writing it.
        """
        claim = _claimed(Path(self.path))
        try:
            yield
        finally:
            if claim.lock_counter == 1:
                # Windows deletes no open file. A claim that stays behind blocks nobody.
                with suppress(OSError):
                    Path(claim.lock_file).unlink()
            claim.release()

    @cached_property
    def identity(self) -> dict[str, object]:
        """What must be the same for training to go on as if it had never stopped.

        The number of epochs is not part of it: it may grow.
        """
        training = asdict(self.config)
        del training["epochs"]
        if (self.config.prototype_classes or math.inf) >= len(self.dataset.seen_classes):
            training["prototype_classes"] = None  # all of them, whatever the number
        return {
            "seed": self.seed,
            "data": self._data_digest(),
            "model": asdict(self.model.config),
            "training": training,
        }

    def save(self, history: list[Epoch]) -> None:
        """Write the state after the last epoch of ``history``."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            moments = self.optimiser.state[parameter]
            for key in ADAM_STATE:
                tensors[f"adam.{key}.{name}"] = moments[key]
        settings = {
            "kind": "checkpoint",
            "device": self._device_type,
            "history": [asdict(epoch) for epoch in history],
            "identity": self.identity,
        }
        write_tensors(self.path, tensors, settings)

    def resume(self) -> list[Epoch]:
        """Load the state if the file exists. Returns the epochs that are done.

        The state goes to the device of the model. Where it comes from one of another type, a
        ``RuntimeWarning`` says that rounding and noise differ.
        Raises ``StorageError`` if the file is damaged, is of another run, or has more epochs done
        than the settings ask for.
        """
        if not Path(self.path).exists():
            return []
        tensors, settings = read_tensors(self.path)
        self._check_identity(settings)
        saved_on = settings.get("device", self._device_type)  # version 0.1 did not say
        try:
            if not isinstance(saved_on, str) or not saved_on.isidentifier():
                raise ValueError(f"its device is {str(saved_on)[:40]!r}")
            history = [_saved_epoch(values) for values in settings["history"]]
            self._load(tensors)
        except (ArithmeticError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise StorageError(
                f"{self.path} must hold a whole training state, but {error}: "
                "it is damaged, delete it"
            ) from None
        if len(history) > self.config.epochs:
            raise StorageError(
                f"{self.path} has {len(history)} epochs done, more than the "
                f"{self.config.epochs} asked for: name another checkpoint"
            )
        self._note_another_device(saved_on)
        return [replace(epoch, epochs=self.config.epochs) for epoch in history]

    @property
    def _device_type(self) -> str:
        return self.model.unit.device.type

    def _note_another_device(self, saved: str) -> None:
        if saved == self._device_type:
            return
        warnings.warn(
            f"training that began on {saved[:40]!r} goes on on {self._device_type!r}: it "
            "rounds otherwise and draws other noise, so the end is not that of either bit for bit",
            RuntimeWarning,
            stacklevel=4,
        )

    def _data_digest(self) -> str:
        """Return a digest of all that training reads: rows, labels, attributes and anchors."""
        data = self.dataset
        digest = hashlib.sha256()
        for _, rows in in_chunks(data.features, data.train):
            digest.update(rows.tobytes())
        labels = np.searchsorted(data.seen_classes, data.labels[data.train])
        digest.update(labels.tobytes())
        digest.update(data.attributes[data.seen_classes].tobytes())
        positioning = self.model.positioning
        if isinstance(positioning, RelativePositioning):
            # Anchors may be the attributes of unseen classes.
            digest.update(positioning.anchors.cpu().numpy().tobytes())
        return digest.hexdigest()

    def _check_identity(self, settings: Mapping[str, Any]) -> None:
        saved = settings.get("identity")
        if settings.get("kind") != "checkpoint" or not isinstance(saved, dict):
            raise StorageError(
                f"{self.path} must be a training checkpoint, got another file: name a new one"
            )
        if isinstance(saved.get("model"), dict):
            saved = saved | {"model": present_names(saved["model"])}
        if isinstance(saved.get("training"), dict):  # version 0.1 took all classes
            saved = saved | {"training": {"prototype_classes": None} | saved["training"]}
        for part, value in self.identity.items():
            if saved.get(part) != value:
                raise StorageError(
                    f"{self.path} belongs to a run with another {part} "
                    f"({saved.get(part)!r}, now {value!r}): "
                    "name another checkpoint, or go back to those"
                )

    def _load(self, tensors: Mapping[str, Tensor]) -> None:
        """Put tensors of a file into the model and the optimiser. All are checked before."""
        moments = {
            parameter: _saved_moments(tensors, name, parameter)
            for name, parameter in self.model.named_parameters()
        }
        weights = {
            name.removeprefix("model."): value
            for name, value in tensors.items()
            if name.startswith("model.")
        }
        if not all(value.isfinite().all() for value in weights.values()):
            raise ValueError("its weights are not finite")
        self.model.load_state_dict(present_tensor_names(weights))
        for parameter, state in moments.items():
            self.optimiser.state[parameter] = state


def _claimed(path: Path) -> filelock.BaseFileLock:
    """Claim a checkpoint for this process, by a lock file beside it."""
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
            f"{path} must be written by one process at a time, but another one is training there: "
            "wait for it, or name another checkpoint"
        ) from None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): name another checkpoint"
        ) from None
    return claim


def _saved_moments(
    tensors: Mapping[str, Tensor], name: str, parameter: Tensor
) -> dict[str, Tensor]:
    """Return Adam's state of one parameter from a file.

    It is checked, because Adam's fused step would read past the end of a tensor that is too short.
    """
    moments = {}
    for key in ADAM_STATE:
        value = tensors[f"adam.{key}.{name}"]
        counter = key == "step"
        shape = torch.Size() if counter else parameter.shape
        kind = torch.float32 if counter else parameter.dtype
        if value.shape != shape or value.dtype != kind or not value.isfinite().all():
            raise ValueError(
                f"adam.{key}.{name} must be finite numbers of type {kind} and shape {tuple(shape)}"
            )
        moments[key] = value.to(parameter.device)  # the counter, too: so does Adam's fused step
    return moments


def _saved_epoch(values: dict[str, Any]) -> Epoch:
    """Return an epoch from a file. It must be of finite numbers, but may lack a score."""
    epoch = Epoch(**values)
    numbers = asdict(epoch)
    if epoch.score is None:
        del numbers["score"]
    for number in numbers.values():
        if type(number) not in (int, float) or not np.isfinite(float(number)):
            raise ValueError(f"an epoch of its history must be finite numbers, got {values}")
    return epoch
