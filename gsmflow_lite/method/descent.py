"""Steps of gradient descent on both losses, in pieces where a batch does not fit into memory."""

from __future__ import annotations

import math
import warnings
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import TrainingConfig
from ..errors import TrainingError
from ..numerics import arithmetic
from ..seeds import derived_seed
from .captured import BatchStep, CapturedStep, aside, can_be_captured
from .model import GSMFlow
from .objective import negative_log_likelihood, perturb, prototype_loss
from .rows import TrainingRows

#: Steps on whole batches before a recording: libraries choose their kernels in them.
STEPS_BEFORE_CAPTURE = 3


class Descent:
    """Takes steps of Adam, with one backward pass for both losses in each.

    ``compiled`` fuses the kernels of the losses by ``torch.compile``. With ``halve``, a batch that
    does not fit into memory goes through the flow in halves, quarters and so on. With ``captured``,
    a step on CUDA is recorded after a few plain ones, and played back from then on.
    """

    def __init__(
        self,
        model: GSMFlow,
        config: TrainingConfig,
        *,
        compiled: bool = False,
        halve: bool = False,
        captured: bool = True,
    ) -> None:
        device = model.unit.device
        self.model = model
        self.config = config
        self.halve = halve
        self.pieces = 1  # in which a batch goes through the flow
        self.noise = torch.Generator(device)  # of the perturbation
        capturable = can_be_captured(device)
        self.plain_steps = STEPS_BEFORE_CAPTURE if captured and capturable else math.inf  # to come
        self.optimiser = torch.optim.Adam(
            model.parameters(),
            lr=config.lr,
            weight_decay=config.weight_decay,
            fused=True,
            capturable=capturable,
        )
        self.lr = torch.full((), config.lr, device=device)  # a recording reads it at each playback
        self.optimiser.param_groups[0]["lr"] = self.lr
        self._losses = torch.compile(batch_losses, dynamic=False) if compiled else batch_losses
        self._captured: CapturedStep | None = None

    def begin_epoch(self, epoch: int, seed: int) -> float:
        """Set the learning rate and the noise of an epoch, which counts from 1. Returns the rate.

        ``seed`` is that of the run.
        """
        reductions = (epoch - 1) // self.config.lr_step
        lr = self.config.lr * self.config.lr_gamma**reductions
        self.lr.fill_(lr)
        self.noise.manual_seed(derived_seed(seed, "perturbation", epoch - 1))
        return lr

    def step(
        self,
        rows: TrainingRows,
        x: Float[Tensor, "N D"],
        labels: Int[Tensor, " N"],
        drawn: Int[Tensor, " P"] | None = None,
    ) -> Float[Tensor, " 2"]:
        """Take one step on a batch, with the prototypes of the ``drawn`` classes (None: of all).

        ``rows`` are those of the training, the same at every step. Returns both losses as they were
        before the step, on the device: likelihood, prototype. They may be written over by the next
        step. Raises ``TrainingError`` if memory runs out.
        """
        step = partial(self.plain_step, rows)
        inputs = (x, labels) if drawn is None else (x, labels, drawn)
        if self._captured is not None and self._captured.fits(self.model, inputs):
            return self._captured(*inputs)
        whole = min(self.config.batch, len(rows.labels))
        if math.isinf(self.plain_steps) or len(x) < whole:
            return step(*inputs)
        if self.plain_steps > 0:
            self.plain_steps -= 1
            return aside(step, *inputs)
        return self._capture(step, inputs)(*inputs)

    def _capture(self, step: BatchStep, inputs: tuple[Tensor, ...]) -> BatchStep:
        """Record a step, or say why not and go on the plain way. Returns what takes the step."""
        drawn_before = self.noise.get_state()
        self._captured = None  # gives the memory of an older one back
        try:
            self._captured = CapturedStep(step, inputs, self.model, self.noise)
        except (RuntimeError, TrainingError) as error:
            self.plain_steps = math.inf
            self.noise = torch.Generator(inputs[0].device)  # a failed recording holds the other one
            self.noise.set_state(drawn_before)
            cause, _, _ = str(error).partition("\n")
            warnings.warn(
                f"training steps could not be captured on {inputs[0].device}, so they are launched "
                f"one by one, which is slower ({cause}): "
                "give fit(..., captured=False) to leave out the try",
                RuntimeWarning,
                stacklevel=2,
            )
            return step
        return self._captured

    def plain_step(
        self,
        rows: TrainingRows,
        x: Float[Tensor, "N D"],
        labels: Int[Tensor, " N"],
        drawn: Int[Tensor, " P"] | None = None,
    ) -> Float[Tensor, " 2"]:
        """Take one step, kernel after kernel: what is recorded, and what runs elsewhere.

        Raises ``TrainingError`` if memory runs out.
        """
        x = perturb(x, self.config.perturbation, self.noise)
        while True:
            try:
                losses = self._gradients(x, labels, rows, drawn)
                self.optimiser.step()
                return losses
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                self._take_smaller_pieces(len(x), x.device)

    def _gradients(
        self, x: Tensor, labels: Tensor, rows: TrainingRows, drawn: Tensor | None
    ) -> Tensor:
        """Compute the gradients of a batch, piece by piece. Returns its losses."""
        self.optimiser.zero_grad(set_to_none=True)
        losses = []
        for piece, of_piece in zip(x.chunk(self.pieces), labels.chunk(self.pieces), strict=True):
            losses.append(self._add_gradients(piece, of_piece, rows, drawn, len(piece) / len(x)))
        return sum(losses[1:], start=losses[0])

    def _add_gradients(
        self,
        x: Tensor,
        labels: Tensor,
        rows: TrainingRows,
        drawn: Tensor | None,
        share: float,
    ) -> Tensor:
        """Add the gradients of one piece, which is this share of its batch."""
        weight = self.config.prototype_weight
        with arithmetic(self.config.precision, x.device):
            losses = self._losses(self.model, x, labels, rows, weight, drawn)
            # Without autocast here, a gradient has the type that its product had.
            with torch.autocast(x.device.type, enabled=False):
                ((losses[0] + weight * losses[1]) * share).backward()
        return losses.detach() * share

    def _take_smaller_pieces(self, batch: int, device: torch.device) -> None:
        """Halve the pieces from now on, or raise an error where that is not allowed."""
        if not self.halve or self.pieces >= batch:
            raise TrainingError(
                f"memory must hold a batch of {batch} rows, but it ran out on {device}: "
                "lower TrainingConfig.batch, or let fit(..., halve=True) take the same steps "
                "in smaller pieces"
            ) from None
        self.pieces *= 2
        self.optimiser.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()


def batch_losses(
    model: GSMFlow,
    x: Float[Tensor, "N D"],
    labels: Int[Tensor, " N"],
    rows: TrainingRows,
    prototype_weight: float,
    drawn: Int[Tensor, " P"] | None = None,
) -> Float[Tensor, " 2"]:
    """Return the negative log-likelihood of a batch, and the prototype loss.

    The latter is a mean over the ``drawn`` classes, or over all seen classes where None.
    """
    if prototype_weight == 0:
        attributes, numbers = _needed(rows.attributes, labels)
        z, log_det = model(x, attributes, numbers)
        likelihood = negative_log_likelihood(z, log_det)
        return torch.stack([likelihood, likelihood.new_zeros(())])

    # As published, the prototype loss teaches the flow, but not the positioning of the attributes.
    attributes, prototypes = rows.attributes, rows.prototypes
    if drawn is not None:
        prototypes = prototypes.index_select(0, drawn)
        attributes, numbers = _needed(attributes, torch.cat([labels, drawn]))
        labels, drawn = numbers.split([len(labels), len(drawn)])

    condition, detached = model.flow.condition_twice(model.embed(attributes))
    u, of_start = model.start(x, attributes, labels)
    z, of_flow = model.flow(u, condition, labels)
    likelihood = negative_log_likelihood(z, of_flow + of_start)

    origin = torch.zeros_like(prototypes)
    image, _ = model.flow.inverse(origin, detached, drawn)
    generated, _ = model.start.inverse(image, attributes, drawn)
    return torch.stack([likelihood, prototype_loss(generated, prototypes)])


def _needed(
    attributes: Float[Tensor, "S A"], classes: Int[Tensor, " N"]
) -> tuple[Float[Tensor, "M A"], Int[Tensor, " N"]]:
    """Return the attributes of some classes, and numbers that say which row of them is whose.

    These are the attributes of all classes, or one row each where that is less. Which classes
    differ is not asked: an accelerator would have to be waited for.
    """
    if len(attributes) <= len(classes):
        return attributes, classes
    return attributes.index_select(0, classes), torch.arange(len(classes), device=classes.device)


def out_of_memory(error: RuntimeError) -> bool:
    """Say whether memory ran out. The CPU has no error class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
