"""Training of a flow, as an iterator of events that a bar, a plot or a test can watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..arguments import check_function, check_seed, path_in
from ..config import ModelConfig, TrainingConfig, of_kind
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..errors import DataError, TrainingError
from ..events import Epoch, Event, Stage, Step
from ..numerics import choose_device, give_back
from ..seeds import derived_seed, torch_stream
from .checkpoint import Checkpoint
from .descent import Descent, out_of_memory
from .mining import with_mined_rows
from .model import GSMFlow
from .rows import TrainingRows, shuffled
from .semantics import choose_anchors
from .start import GaussianStart

#: A score of the model after an epoch, which counts from 1; None where there is none.
Validate = Callable[[GSMFlow, int], float | None]


def new_model(dataset: GZSLDataset, config: ModelConfig, *, seed: int = 0) -> GSMFlow:
    """Make an untrained model for a data set.

    Its anchors come from the attributes, and its start (if any) from the training rows. Raises
    ``ConfigError`` and ``DataError`` for arguments of another kind.
    """
    dataset = the_dataset(dataset)
    config = of_kind(config, ModelConfig)
    seed = check_seed(seed)
    attributes = torch.from_numpy(dataset.attributes)
    seen = attributes[torch.from_numpy(dataset.seen_classes)]
    candidates = attributes if config.anchors == "all" else seen
    unit = _spread(seen) if config.scale_attributes else 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "first weights"))
        return GSMFlow(
            dataset.features.shape[1],
            candidates[choose_anchors(candidates)] / unit,
            config,
            _start(dataset, config.start),
            unit,
        )


def _spread(attributes: Tensor) -> float:
    """Return a typical deviation of attributes from their mean over classes, or 1 if it is 0."""
    return float(attributes.var(0, correction=0).mean().sqrt()) or 1.0


def _start(dataset: GZSLDataset, kind: str) -> GaussianStart | None:
    if kind == "none":
        return None
    return GaussianStart.fit(dataset, whiten=kind == "ridge-gaussian")


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
    captured: bool = True,
) -> Iterator[Event]:
    """Train ``model`` in place on the training rows of ``dataset``. Yields events.

    Nothing happens until the first event (:class:`Stage`, :class:`Step` or :class:`Epoch`) is asked
    for. You may stop at any moment, also by an interrupt: the model is usable as it is.
    On the device nothing waits for a result before the end of an epoch, unless rows are on disk.

    - ``validate(model, epoch)`` is called after each epoch.
    - ``checkpoint`` names a file. The state is saved there after each epoch. If the file exists,
      training goes on from it, bit for bit as if it had never stopped, and yields the epochs that
      are done again, so that a curve is whole. That needs the same seed, data and settings. Others
      raise ``StorageError``, and so does a file that another process is writing. On another machine
      it goes on, too, equal to rounding, and on another device with other noise.
    - ``compiled`` fuses the kernels of a step by ``torch.compile``. It needs a C++ compiler and
      about a minute at the start, so it is for long training on an accelerator.
    - ``halve`` lets a batch go through the flow in halves, quarters and so on where memory runs
      out. The steps are the same, to rounding.
    - ``captured`` lets a step on CUDA be recorded once as a CUDA graph and played back, which is
      several times faster. The steps are the same. Where recording fails, a ``RuntimeWarning``
      says why, and training goes on without.

    Raises ``ConfigError`` and ``DataError`` for arguments of another kind, and for a model of other
    widths than the data. Raises ``TrainingError`` if memory runs out, or if the loss is no longer
    finite. The message then says in which step and on which rows, and the model has the weights of
    the last good epoch.
    """
    seed = check_seed(seed)
    config = of_kind(config, TrainingConfig)
    check_model(model, the_dataset(dataset))
    if validate is not None:
        check_function(validate, "validate")
    if checkpoint is not None:
        checkpoint = path_in(checkpoint, "checkpoint")
    model.to(choose_device(device))
    descent = Descent(model, config, compiled=compiled, halve=halve, captured=captured)
    if checkpoint is None:
        yield from _epochs(descent, dataset, seed, validate, [], None)
        return
    state = Checkpoint(checkpoint, model, descent.optimiser, config, seed, dataset)
    with state.alone():
        history = state.resume()
        yield from history
        yield from _epochs(descent, dataset, seed, validate, history, state)


def check_model(model: object, dataset: GZSLDataset) -> None:
    """Raise ``DataError`` unless ``model`` is a flow of features and attributes of these widths."""
    if not isinstance(model, GSMFlow):
        inner = isinstance(getattr(model, "model", None), GSMFlow)
        remedy = "hand in its .model" if inner else "make one with new_model(dataset, config.model)"
        raise DataError(f"a model must be a GSMFlow, got {type(model).__name__}: {remedy}")
    widths = (dataset.features.shape[1], dataset.attributes.shape[1])
    if (model.features, model.attributes) != widths:
        raise DataError(
            f"a model of {model.features} features and {model.attributes} attributes must get such "
            f"data, got {widths[0]} and {widths[1]}: make one with new_model(dataset, config.model)"
            ", or preprocess the data as those of the model were"
        )


# --- The story of an epoch -----------------------------------------------------------------------


def _epochs(
    descent: Descent,
    dataset: GZSLDataset,
    seed: int,
    validate: Validate | None,
    history: list[Epoch],
    checkpoint: Checkpoint | None,
) -> Iterator[Event]:
    """Train from where ``history`` ends, and add each epoch to it."""
    model = descent.model
    epochs = descent.config.epochs
    give_back()  # what is allocated from now on stays for long
    rows = yield from _training_rows(descent, dataset, seed, begun=len(history) < epochs)

    yield Stage("flow", epochs)
    for epoch in range(len(history) + 1, epochs + 1):
        started = time.perf_counter()
        good_weights = _copy(model)
        lr = descent.begin_epoch(epoch, seed)

        model.train()
        passed = yield from _one_pass(descent, rows, seed, epoch)
        if not (passed.is_finite and _has_finite_weights(model)):
            model.load_state_dict(good_weights)
            _stop(passed, dataset, epoch, lr)
        model.eval()

        # Validation may need the memory.
        del good_weights
        descent.optimiser.zero_grad(set_to_none=True)
        if epoch == epochs:
            del rows

        likelihood, prototype = passed.mean_losses
        score = _score(validate, model, epoch)
        seconds = time.perf_counter() - started
        history.append(Epoch(epoch, epochs, likelihood, prototype, lr, seconds, score))
        if checkpoint is not None:
            checkpoint.save(history)
        if epoch == epochs:
            descent.optimiser.state.clear()  # as large as two models, and no longer needed
        yield history[-1]
    model.eval()


@dataclass(frozen=True)
class _Pass:
    """One pass over the training rows: its batches, and both losses before each step."""

    batches: tuple[Tensor, ...]
    losses: Float[Tensor, "steps 2"]  # in double precision, on the CPU

    @property
    def is_finite(self) -> bool:
        return bool(self.losses.isfinite().all())

    @property
    def mean_losses(self) -> tuple[float, float]:
        """Both losses, averaged over rows: the last batch may be smaller."""
        sizes = torch.tensor([len(batch) for batch in self.batches], dtype=self.losses.dtype)
        likelihood, prototype = (sizes @ self.losses / sizes.sum()).tolist()
        return likelihood, prototype

    @property
    def failed_step(self) -> int:
        """The first step, from 0, whose loss is not finite.

        The last step can spoil the weights without a bad loss, because losses are taken before it.
        """
        failed = (~self.losses.isfinite()).any(1).nonzero().flatten().tolist()
        return failed[0] if failed else len(self.batches) - 1


def _one_pass(
    descent: Descent, rows: TrainingRows, seed: int, epoch: int
) -> Generator[Step, None, _Pass]:
    """Take a step on each batch of all rows, in a new order and with new noise.

    All that a step reads goes to the device before the first one.
    """
    n = len(rows.labels)
    order = shuffled(n, seed, epoch - 1)
    batches = order.split(min(descent.config.batch, n))
    drawn = _drawn_classes(rows, len(batches), descent.config, seed, epoch)
    losses = rows.prototypes.new_empty(len(batches), 2)
    on_device = order.to(losses.device).split(len(batches[0]))
    for i, index in enumerate(on_device):
        losses[i] = descent.step(rows, rows.features[index], rows.labels[index], drawn[i])
        yield Step("flow", i + 1, len(batches), losses[i, 0])
    return _Pass(batches, losses.cpu().double())


def _drawn_classes(
    rows: TrainingRows, steps: int, config: TrainingConfig, seed: int, epoch: int
) -> Sequence[Int[Tensor, " P"] | None]:
    """Draw the classes for the prototype loss of each step; None stands for all of them."""
    seen = len(rows.prototypes)
    most = config.prototype_classes
    if most is None or most >= seen or config.prototype_weight == 0:
        return [None] * steps
    draws = torch_stream(seed, "classes of the prototype loss", epoch - 1)
    drawn = torch.stack([torch.randperm(seen, generator=draws)[:most] for _ in range(steps)])
    return tuple(drawn.to(rows.prototypes.device))


def _training_rows(
    descent: Descent, dataset: GZSLDataset, seed: int, *, begun: bool
) -> Generator[Event, None, TrainingRows]:
    """Put the training rows on the device, and mine boundary samples if there is training to do."""
    mining = descent.config.mining
    device = next(descent.model.parameters()).device
    try:
        rows = TrainingRows.of(dataset, device, mining=mining is not None)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise TrainingError(
            f"the {len(dataset.train)} training rows must fit into the memory of {device}, "
            "but it ran out: keep the features in a file (.npy or HDF5, see README) "
            "and train without mining, or take device='cpu'"
        ) from None
    if mining is not None and begun:
        rows = yield from with_mined_rows(rows, mining, seed)
    return rows


def _score(validate: Validate | None, model: GSMFlow, epoch: int) -> float | None:
    score = validate(model, epoch) if validate else None
    if score is None:
        return None
    if not np.isfinite(score):
        raise TrainingError(
            f"validate must return a finite number or None, got {score} after epoch {epoch}"
        )
    return float(score)


def _copy(model: GSMFlow) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _has_finite_weights(model: GSMFlow) -> bool:
    norms = torch._foreach_norm(list(model.parameters()), 1)
    return bool(torch.stack(norms).isfinite().all())


def _stop(passed: _Pass, dataset: GZSLDataset, epoch: int, lr: float) -> NoReturn:
    """Say which step of an epoch failed, on which rows of the data set, and what may help."""
    step = passed.failed_step
    # Mined rows come after the real ones, in the same order.
    rows = dataset.train[passed.batches[step].numpy() % len(dataset.train)]
    first_rows = ", ".join(map(str, rows[:3]))
    largest = float(np.abs(dataset.features[rows]).max())
    losses = " + ".join(f"{value:g}" for value in passed.losses[step].tolist())

    remedies = [f"lower the learning rate ({lr:g})", "scale the features (preprocessing)"]
    if epoch == 1 and step == 0:  # nothing was learnt yet, so the rate is not the likelier cause
        remedies.reverse()
    raise TrainingError(
        f"the loss must stay finite, got {losses} in epoch {epoch}, step {step + 1} of "
        f"{len(passed.batches)}, on {len(rows)} rows of the data set ({first_rows} ...) whose "
        f"features reach {largest:.3g}: {', or '.join(remedies)}; "
        f"the model has the weights of epoch {epoch - 1}"
    )
