"""Fitting a GSMFlow: an iterator of events, so that a bar, a plot or a test can watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from ..config import MiningConfig, ModelConfig, TrainingConfig, check_seed
from ..datasets.base import GZSLDataset
from ..errors import ConfigError, TrainingError
from ..events import Epoch, Event, Stage, Step
from ..numerics import arithmetic, give_back
from ..seeds import derived_seed, torch_stream
from .checkpoint import Checkpoint
from .mining import RelationNetwork, mine_boundary_samples, train_relation_network
from .model import GSMFlow
from .objective import negative_log_likelihood, perturb, prototype_loss
from .rows import TrainingRows, shuffled
from .semantics import choose_anchors
from .start import GaussianStart

Validate = Callable[[GSMFlow, int], float | None]


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` takes CUDA, else Apple's MPS, else the CPU; any other name must be a device that torch has here.

    Raises ``ConfigError`` for any other.
    """
    if name == "auto":
        name = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"device must be auto, cpu, cuda or mps and present here, got {name!r}: {error}"
        ) from None
    return device


def new_model(dataset: GZSLDataset, config: ModelConfig, *, seed: int = 0) -> GSMFlow:
    """An untrained model for ``dataset``; its anchors come from the attributes, its start (if any) from the training rows."""
    check_seed(seed)
    attributes = torch.from_numpy(dataset.attributes)
    seen = attributes[torch.from_numpy(dataset.seen_classes)]
    pool = attributes if config.anchors == "all" else seen
    unit = float(seen.var(0, correction=0).mean().sqrt()) or 1.0 if config.scale_attributes else 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "first weights"))
        anchors = pool[choose_anchors(pool)] / unit
        return GSMFlow(
            dataset.features.shape[1], anchors, config, _start(dataset, config.start), unit
        )


def _start(dataset: GZSLDataset, kind: str) -> GaussianStart | None:
    return None if kind == "none" else GaussianStart.fit(dataset, whiten=kind == "ridge-gaussian")


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
    halve: bool = False,
) -> Iterator[Event]:
    """Train ``model`` in place on the training rows of ``dataset``, yielding :class:`Stage`, :class:`Step` and :class:`Epoch`.

    Nothing happens until the events are asked for. Stop asking, or interrupt, at any moment: the model is usable as it is.
    ``validate(model, epoch)`` is called after each epoch. With ``checkpoint`` (a file) the state is saved after each epoch,
    and if the file is already there, training goes on from it, bit for bit as if it had never stopped (same machine, same
    seed, data and settings; others raise ``StorageError``, as does a file that another process is writing); epochs done
    before are told again, so a curve is whole. ``compiled`` fuses the kernels of a step by ``torch.compile``, which needs a
    C++ compiler and about a minute at the start: for long training on an accelerator. ``halve``: where memory runs out, a
    batch goes through the flow in halves, quarters and so on, which gives the same steps, to rounding. On the device nothing
    waits for a result before an epoch's end.
    Raises ``TrainingError`` if memory runs out, or if the loss stops being finite: it says in which step, and on which rows;
    the model then has the weights of the last good epoch.
    """
    check_seed(seed)
    place = choose_device(device)
    model.to(place)
    descent = _Descent(
        model, config, torch.compile(_losses, dynamic=False) if compiled else _losses, halve
    )
    if checkpoint is None:
        yield from _epochs(descent, dataset, seed, validate, [], None)
        return
    state = Checkpoint(checkpoint, model, descent.optimiser, config, seed, dataset)
    with state.alone():
        history = state.resume()
        yield from history
        yield from _epochs(descent, dataset, seed, validate, history, state)


def _epochs(
    descent: _Descent,
    dataset: GZSLDataset,
    seed: int,
    validate: Validate | None,
    history: list[Epoch],
    state: Checkpoint | None,
) -> Iterator[Event]:
    """Train from where ``history`` ends, and add to it."""
    model, config, place = descent.model, descent.config, next(descent.model.parameters()).device
    give_back()  # what is held from now on is held for long
    begin, data = len(history), _resident(dataset, place, mining=config.mining is not None)
    if config.mining is not None and begin < config.epochs:
        data = yield from _mine(data, config.mining, seed)
    yield Stage("flow", config.epochs)
    for epoch in range(begin, config.epochs):
        good, started = _copy(model), time.perf_counter()
        lr = descent.at_epoch(epoch)
        model.train()
        batches = shuffled(len(data.labels), seed, epoch).split(min(config.batch, len(data.labels)))
        noise, told = torch_stream(seed, "perturbation", epoch, device=place), []
        for number, rows in enumerate(batches):
            x = perturb(data.features[rows.to(place)], config.perturbation, noise)
            told.append(descent.step(x, data.labels[rows.to(place)], data))
            yield Step("flow", number + 1, len(batches), told[-1][0])
        losses = torch.stack(told).double().cpu()
        if not (losses.isfinite().all() and _finite(model)):
            model.load_state_dict(good)
            _stop(losses, batches, dataset, epoch, lr)
        del good
        descent.optimiser.zero_grad(set_to_none=True)  # a validation may need the memory
        if epoch + 1 == config.epochs:
            del data, x
        model.eval()
        sizes = torch.tensor([len(rows) for rows in batches], dtype=losses.dtype)
        likelihood, prototype = (sizes @ losses / sizes.sum()).tolist()
        score = _score(validate, model, epoch + 1)
        history.append(
            Epoch(
                epoch + 1,
                config.epochs,
                likelihood,
                prototype,
                lr,
                time.perf_counter() - started,
                score,
            )
        )
        if state:
            state.save(history)
        if epoch + 1 == config.epochs:
            descent.optimiser.state.clear()  # as large as two models, while the last one is judged
        yield history[-1]
    model.eval()


def _resident(dataset: GZSLDataset, place: torch.device, *, mining: bool) -> TrainingRows:
    try:
        return TrainingRows.of(dataset, place, mining=mining)
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        raise TrainingError(
            f"the {len(dataset.train)} training rows must fit into the memory of {place}, but it ran out: keep the features in "
            "a file (.npy or HDF5, see README) and train without mining, or take device='cpu'"
        ) from None


def _stop(
    losses: Tensor, batches: tuple[Tensor, ...], dataset: GZSLDataset, epoch: int, lr: float
) -> NoReturn:
    """Say which step of an epoch failed, (steps, 2) losses, on which rows of the data set, and what is likely to help."""
    bad = (~losses.isfinite()).any(1).nonzero().flatten().tolist()
    step = bad[0] if bad else len(batches) - 1  # a last step spoils the weights unseen
    rows = dataset.train[
        batches[step].numpy() % len(dataset.train)
    ]  # mined rows come after the real ones, in their order
    most = float(np.abs(dataset.features[rows]).max())
    scale, rate = "scale the features (preprocessing)", f"lower the learning rate ({lr:g})"
    untrained = epoch == 0 and step == 0
    raise TrainingError(
        f"the loss must stay finite, got {' + '.join(f'{value:g}' for value in losses[step].tolist())} in epoch {epoch + 1}, "
        f"step {step + 1} of {len(batches)}, on {len(rows)} rows of the data set ({', '.join(map(str, rows[:3]))} ...) whose "
        f"features reach {most:.3g}: {', or '.join([scale, rate] if untrained else [rate, scale])}; "
        f"the model has the weights of epoch {epoch}"
    )


class _Descent:
    """Takes steps of the optimiser, one backward pass for both losses in each."""

    def __init__(
        self, model: GSMFlow, config: TrainingConfig, losses_of: Callable[..., Tensor], halve: bool
    ) -> None:
        self.model, self.config, self.losses_of, self.halve = model, config, losses_of, halve
        self.optimiser = torch.optim.Adam(
            model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        self.pieces = 1  # in which a batch goes through the flow

    def at_epoch(self, epoch: int) -> float:
        """Set the learning rate of an epoch, which counts from 0; returns it."""
        lr = self.config.lr * self.config.lr_gamma ** (epoch // self.config.lr_step)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        return lr

    def step(self, x: Tensor, labels: Tensor, data: TrainingRows) -> Tensor:
        """One step on x (N, D); returns likelihood and prototype loss (2,) as they were before it, on the device."""
        while True:
            try:
                losses = self._gradients(x, labels, data)
                self.optimiser.step()
                return losses
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                self._take_less(len(x), x.device)

    def _gradients(self, x: Tensor, labels: Tensor, data: TrainingRows) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        total, weight = 0.0, self.config.prototype_weight
        for some, own in zip(x.chunk(self.pieces), labels.chunk(self.pieces), strict=True):
            with arithmetic(self.config.precision, x.device):
                losses = self.losses_of(self.model, some, own, data, weight)
                with torch.autocast(
                    x.device.type, enabled=False
                ):  # a gradient is of the type that its product had
                    ((losses[0] + weight * losses[1]) * (len(some) / len(x))).backward()
            total = total + losses.detach() * (len(some) / len(x))
        return total

    def _take_less(self, rows: int, device: torch.device) -> None:
        """Smaller pieces from now on, or an error."""
        if not self.halve or self.pieces >= rows:
            raise TrainingError(
                f"memory must hold a batch of {rows} rows, but it ran out on {device}: lower TrainingConfig.batch, "
                "or let fit(..., halve=True) take the same steps in smaller pieces"
            ) from None
        self.pieces *= 2
        self.optimiser.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _out_of_memory(error: RuntimeError) -> bool:
    """The CPU has no error class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def _losses(
    model: GSMFlow, x: Tensor, labels: Tensor, data: TrainingRows, prototype_weight: float
) -> Tensor:
    """Negative log-likelihood and prototype loss, (2,)."""
    if prototype_weight == 0:
        likelihood = negative_log_likelihood(*model(x, *_asked(data.attributes, labels)))
        return torch.stack([likelihood, likelihood.new_zeros(())])
    # As published, the prototype loss teaches the flow but not the positioning of the attributes.
    condition, apart = model.flow.condition_twice(model.embed(data.attributes))
    u, of_start = model.start(x, data.attributes, labels)
    z, of_flow = model.flow(u, condition, labels)
    generated = model.start.inverse(
        model.flow.inverse(torch.zeros_like(data.prototypes), apart)[0], data.attributes
    )[0]
    return torch.stack(
        [negative_log_likelihood(z, of_flow + of_start), prototype_loss(generated, data.prototypes)]
    )


def _asked(attributes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of ``attributes`` that a batch needs, and where its labels find them: of many classes, few are in a batch."""
    if len(attributes) <= len(labels):
        return attributes, labels
    present, among = labels.unique(return_inverse=True)
    return attributes[present], among


def _mine(
    data: TrainingRows, config: MiningConfig, seed: int
) -> Generator[Event, None, TrainingRows]:
    """Train the relation network and mine a boundary sample from each training row, into the room after them."""
    n = len(data.labels)
    real, mined = data.features[:n], data.features[n:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "relation network"))
        network = RelationNetwork(real.shape[1], data.attributes.shape[1], config.hidden).to(real)
    yield Stage("relation network", config.epochs)
    for done in train_relation_network(network, real, data.labels, data.attributes, config, seed):
        yield Step("relation network", done, config.epochs)
    network.requires_grad_(False)
    yield Stage("boundary samples", n)
    for start in range(0, n, 1024):
        rows = slice(start, min(start + 1024, n))
        mined[rows] = mine_boundary_samples(
            network, real[rows], data.labels[rows], data.attributes, config
        )
        yield Step("boundary samples", rows.stop, n)
    return replace(data, labels=data.labels.repeat(2))


def _score(validate: Validate | None, model: GSMFlow, epoch: int) -> float | None:
    score = validate(model, epoch) if validate else None
    if score is None:
        return None
    if not np.isfinite(score):
        raise TrainingError(
            f"validate must return a finite number or None, got {score} after epoch {epoch}"
        )
    return float(score)


def _finite(model: GSMFlow) -> bool:
    """The loss is taken before a step: the last one of an epoch can spoil the weights unseen."""
    return bool(torch.stack(torch._foreach_norm(list(model.parameters()), 1)).isfinite().all())


def _copy(model: GSMFlow) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}
