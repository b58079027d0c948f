"""Fitting a GSMFlow: an iterator of events, so that a bar, a plot or a test can watch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .arithmetic import arithmetic
from .config import MiningConfig, ModelConfig, TrainingConfig, check_seed
from .datasets.base import GZSLDataset
from .datasets.mapped import MappedFeatures, in_chunks
from .errors import ConfigError, StorageError, TrainingError
from .gaussian import GaussianBase, class_means
from .mining import RelationNetwork, mine_boundary_samples, train_relation_network
from .model import GSMFlow
from .objective import negative_log_likelihood, perturb, prototype_loss
from .semantics import choose_anchors
from .storage import read_tensors, write_tensors


@dataclass(frozen=True)
class Stage:
    """A named part of the work begins; it will count to ``total``."""

    name: str
    total: int


@dataclass(frozen=True)
class Step:
    """One unit of a stage is done. ``loss`` stays on the device until somebody asks ``float(event.loss)``."""

    stage: str
    done: int
    total: int
    loss: Tensor | None = None


@dataclass(frozen=True)
class Epoch:
    """One pass over the data. Losses are means over the epoch; ``score`` is what ``validate`` returned, if anything."""

    epoch: int  # counts from 1
    epochs: int
    likelihood: float  # negative log-likelihood per dimension without its constant, nats
    prototype: float
    lr: float
    seconds: float
    score: float | None = None


ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")

Event = Stage | Step | Epoch
Validate = Callable[[GSMFlow, int], float | None]


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` takes CUDA, else Apple's MPS, else the CPU; any other name must be a device that torch has here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"device must be auto, cpu, cuda or mps and present here, got {name!r}: {error}") from None
    return device


def new_model(dataset: GZSLDataset, config: ModelConfig, *, seed: int = 0) -> GSMFlow:
    """An untrained model for ``dataset``; its anchors come from the attributes, its base (if any) from the training rows."""
    check_seed(seed)
    attributes = torch.from_numpy(dataset.attributes)
    seen = attributes[torch.from_numpy(dataset.seen_classes)]
    pool = attributes if config.anchors == "all" else seen
    unit = float(seen.var(0, correction=0).mean().sqrt()) or 1.0 if config.scale_attributes else 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        anchors = pool[choose_anchors(pool)] / unit
        return GSMFlow(dataset.features.shape[1], anchors, config, _base(dataset, config.base), unit)


def _base(dataset: GZSLDataset, kind: str) -> GaussianBase | None:
    return None if kind == "none" else GaussianBase.fit(dataset, whiten=kind == "ridge-gaussian")


def fit(
    model: GSMFlow,
    dataset: GZSLDataset,
    config: TrainingConfig,
    *,
    seed: int = 0,
    device: str = "auto",
    validate: Validate | None = None,
    checkpoint: str | Path | None = None,
    compiled: bool = False,
) -> Iterator[Event]:
    """Train ``model`` in place on the training rows of ``dataset``, yielding :class:`Stage`, :class:`Step` and :class:`Epoch`.

    Nothing happens until the events are asked for. Stop asking, or interrupt, at any moment: the model is usable as it is.
    ``validate(model, epoch)`` is called after each epoch. With ``checkpoint`` (a file) the state is saved after each epoch,
    and if the file is already there, training goes on from it, bit for bit as if it had never stopped (same machine, same
    seed, data and settings; others raise ``StorageError``); epochs done before are told again, so a curve is whole.
    ``compiled`` fuses the kernels of a step by ``torch.compile``, which needs a C++ compiler and about a minute at the start:
    for long training on an accelerator. On the device nothing waits for a result before an epoch's end.
    Raises ``TrainingError`` if the loss stops being finite; the model then has the weights of the last good epoch.
    """
    check_seed(seed)
    place = choose_device(device)
    model.to(place)
    data = _Resident.of(dataset, place, mining=config.mining is not None)
    optimiser = _adam(model, config)
    state = _Checkpoint(checkpoint, model, optimiser, config, seed, dataset) if checkpoint else None
    history = state.resume() if state else []
    yield from history
    begin = len(history)
    if config.mining is not None and begin < config.epochs:
        data = yield from _mine(data, config.mining, seed)
    features, labels = data.features, data.labels
    batch = min(config.batch, len(features))
    losses_of = torch.compile(_losses, dynamic=False) if compiled else _losses
    yield Stage("flow", config.epochs)
    for epoch in range(begin, config.epochs):
        good, started = _copy(model), time.perf_counter()
        lr = config.lr * config.lr_gamma ** (epoch // config.lr_step)
        for group in optimiser.param_groups:
            group["lr"] = lr
        model.train()
        sums, order = torch.zeros(2, device=place), _shuffled(len(features), seed, epoch).to(place)
        noise = torch.Generator(place).manual_seed(_mix(seed, epoch))
        batches = order.split(batch)
        for number, rows in enumerate(batches):
            x = perturb(features[rows], config.perturbation, noise)
            losses = _descend(losses_of, model, x, labels[rows], data, config, optimiser)
            sums += losses * len(rows)
            yield Step("flow", number + 1, len(batches), losses[0])
        likelihood, prototype = (sums / len(features)).tolist()
        if not (np.isfinite(likelihood + prototype) and _finite(model)):
            model.load_state_dict(good)
            raise TrainingError(
                f"the loss must stay finite, got {likelihood} + {prototype} in epoch {epoch + 1}: lower the learning rate "
                f"({lr:g}), or scale the features (preprocessing); the model has the weights of epoch {epoch}"
            )
        del good
        optimiser.zero_grad(set_to_none=True)  # a validation may need the memory
        model.eval()
        score = _score(validate, model, epoch + 1)
        history.append(Epoch(epoch + 1, config.epochs, likelihood, prototype, lr, time.perf_counter() - started, score))
        if state:
            state.save(history)
        yield history[-1]
    model.eval()


@dataclass(frozen=True)
class _Resident:
    """Training rows on the device, or in their file. Labels number the seen classes, 0 to S - 1, the rows of ``attributes``."""

    features: Tensor | _OnDisk  # (n, D); rows are taken by ``features[index]``
    labels: Tensor  # (n,)
    attributes: Tensor  # (S, A)
    prototypes: Tensor  # (S, D), real class means

    @classmethod
    def of(cls, dataset: GZSLDataset, device: torch.device, *, mining: bool = False) -> _Resident:
        """For ``mining`` there is room for as many rows again; else memory-mapped features stay where they are."""
        classes, n = dataset.seen_classes, len(dataset.train)
        labels = torch.from_numpy(np.searchsorted(classes, dataset.labels[dataset.train])).to(device)
        attributes = torch.from_numpy(dataset.attributes[classes]).to(device)
        if isinstance(dataset.features, MappedFeatures) and not mining:
            means = torch.from_numpy(class_means(dataset, classes, dataset.train)).to(device)
            return cls(_OnDisk(dataset, device), labels, attributes, means)
        features = torch.empty((2 if mining else 1) * n, dataset.features.shape[1], device=device)
        for places, rows in in_chunks(dataset.features, dataset.train):
            features[places] = torch.from_numpy(rows).to(device)
        sums = torch.zeros(len(classes), features.shape[1], device=device).index_add_(0, labels, features[:n])
        return cls(features, labels, attributes, sums / labels.bincount(minlength=len(sums))[:, None])


class _OnDisk:
    """Training rows that are read when they are asked for: ``rows[index]`` is a tensor (len(index), D) on the device."""

    def __init__(self, dataset: GZSLDataset, device: torch.device) -> None:
        self.dataset, self.device = dataset, device

    def __len__(self) -> int:
        return len(self.dataset.train)

    def __getitem__(self, index: Tensor) -> Tensor:
        rows = self.dataset.train[index.cpu().numpy()]
        return torch.from_numpy(self.dataset.features[rows]).to(self.device)


def _descend(
    losses_of: Callable[..., Tensor],
    model: GSMFlow,
    x: Tensor,
    labels: Tensor,
    data: _Resident,
    config: TrainingConfig,
    optimiser: torch.optim.Optimizer,
) -> Tensor:
    """One step of the optimiser, one backward pass for both losses; returns them as they were before it, on the device."""
    optimiser.zero_grad(set_to_none=True)
    with arithmetic(config.precision, x.device):
        losses = losses_of(model, x, labels, data, config.prototype_weight)
        with torch.autocast(x.device.type, enabled=False):  # a gradient is of the type that its product had
            (losses[0] + config.prototype_weight * losses[1]).backward()
    optimiser.step()
    return losses.detach()


def _losses(model: GSMFlow, x: Tensor, labels: Tensor, data: _Resident, prototype_weight: float) -> Tensor:
    """Negative log-likelihood and prototype loss, (2,)."""
    if prototype_weight == 0:
        likelihood = negative_log_likelihood(*model(x, *_asked(data.attributes, labels)))
        return torch.stack([likelihood, likelihood.new_zeros(())])
    # As published, the prototype loss teaches the flow but not the positioning of the attributes.
    condition, apart = model.flow.condition_twice(model.embed(data.attributes))
    u, of_base = model.base(x, data.attributes, labels)
    z, of_flow = model.flow(u, condition, labels)
    generated = model.base.inverse(model.flow.inverse(torch.zeros_like(data.prototypes), apart)[0], data.attributes)[0]
    return torch.stack([negative_log_likelihood(z, of_flow + of_base), prototype_loss(generated, data.prototypes)])


def _asked(attributes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of ``attributes`` that a batch needs, and where its labels find them: of many classes, few are in a batch."""
    if len(attributes) <= len(labels):
        return attributes, labels
    present, among = labels.unique(return_inverse=True)
    return attributes[present], among


def _mine(data: _Resident, config: MiningConfig, seed: int) -> Generator[Event, None, _Resident]:
    """Train the relation network and mine a boundary sample from each training row, into the room after them."""
    n = len(data.labels)
    real, mined = data.features[:n], data.features[n:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_mix(seed, -1))
        network = RelationNetwork(real.shape[1], data.attributes.shape[1], config.hidden).to(real)
    yield Stage("relation network", config.epochs)
    for done in train_relation_network(network, real, data.labels, data.attributes, config, seed):
        yield Step("relation network", done, config.epochs)
    network.requires_grad_(False)
    yield Stage("boundary samples", n)
    for start in range(0, n, 1024):
        rows = slice(start, min(start + 1024, n))
        mined[rows] = mine_boundary_samples(network, real[rows], data.labels[rows], data.attributes, config)
        yield Step("boundary samples", rows.stop, n)
    return replace(data, labels=data.labels.repeat(2))


def _adam(model: GSMFlow, config: TrainingConfig) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _mix(seed: int, epoch: int) -> int:
    """One number from two: every epoch has its own random stream, so resuming needs no saved generator."""
    return int(np.random.SeedSequence([seed, epoch + 1]).generate_state(1)[0])


def _shuffled(n: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(_mix(seed, epoch)))


def _score(validate: Validate | None, model: GSMFlow, epoch: int) -> float | None:
    score = validate(model, epoch) if validate else None
    if score is None:
        return None
    if not np.isfinite(score):
        raise TrainingError(f"validate must return a finite number or None, got {score} after epoch {epoch}")
    return float(score)


def _finite(model: GSMFlow) -> bool:
    """The loss is taken before a step: the last one of an epoch can spoil the weights unseen."""
    return bool(torch.stack(torch._foreach_norm(list(model.parameters()), 1)).isfinite().all())


def _copy(model: GSMFlow) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@dataclass(frozen=True)
class _Checkpoint:
    """The whole state of a training run in one file: weights, Adam's moments, history, and what they belong to."""

    path: str | Path
    model: GSMFlow
    optimiser: torch.optim.Adam
    config: TrainingConfig
    seed: int
    dataset: GZSLDataset

    def identity(self) -> dict[str, object]:
        """What must be the same for training to go on as if it had never stopped; the number of epochs may grow."""
        settings = {name: value for name, value in asdict(self.config).items() if name != "epochs"}
        digest, d = hashlib.sha256(), self.dataset
        for _, rows in in_chunks(d.features, d.train):
            digest.update(rows.tobytes())
        for values in (np.searchsorted(d.seen_classes, d.labels[d.train]), d.attributes[d.seen_classes]):
            digest.update(values.tobytes())
        return {"seed": self.seed, "data": digest.hexdigest(), "model": asdict(self.model.config), "training": settings}

    def save(self, history: list[Epoch]) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            moments = self.optimiser.state[parameter]
            tensors |= {f"adam.{key}.{name}": moments[key] for key in ADAM_STATE}
        settings = {"kind": "checkpoint", "history": [asdict(e) for e in history], "identity": self.identity()}
        write_tensors(self.path, tensors, settings)

    def resume(self) -> list[Epoch]:
        """Load the state if the file is there; returns the epochs that are done, at most as many as are asked for."""
        if not Path(self.path).exists():
            return []
        tensors, settings = read_tensors(self.path)
        found, wanted = settings.get("identity"), self.identity()
        if settings.get("kind") != "checkpoint" or not isinstance(found, dict):
            raise StorageError(f"{self.path} must be a training checkpoint, got another file: name a new one")
        for part, value in wanted.items():
            if found.get(part) != value:
                raise StorageError(
                    f"{self.path} belongs to a run with another {part} ({found.get(part)!r}, now {value!r}): "
                    "name another checkpoint, or go back to those"
                )
        try:
            self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
            for name, parameter in self.model.named_parameters():
                self.optimiser.state[parameter] = {
                    key: tensors[f"adam.{key}.{name}"].to("cpu" if key == "step" else parameter.device) for key in ADAM_STATE
                }
            history = [Epoch(**epoch) for epoch in settings["history"]]
        except (KeyError, TypeError, RuntimeError) as error:
            raise StorageError(f"{self.path} must hold a whole training state, but {error}: it is damaged, delete it") from None
        if len(history) > self.config.epochs:
            raise StorageError(
                f"{self.path} has {len(history)} epochs done, more than the {self.config.epochs} asked for: "
                "name another checkpoint"
            )
        return [replace(epoch, epochs=self.config.epochs) for epoch in history]
