"""Steps of gradient descent on both losses, in pieces where a batch does not fit into memory."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import TrainingConfig
from ..errors import TrainingError
from ..numerics import arithmetic
from .model import GSMFlow
from .objective import negative_log_likelihood, prototype_loss
from .rows import TrainingRows


class Descent:
    """Takes steps of Adam, with one backward pass for both losses in each.

    ``compiled`` fuses the kernels of the losses by ``torch.compile``. With ``halve``, a batch that
    does not fit into memory goes through the flow in halves, quarters and so on.
    """

    def __init__(
        self,
        model: GSMFlow,
        config: TrainingConfig,
        *,
        compiled: bool = False,
        halve: bool = False,
    ) -> None:
        self.model = model
        self.config = config
        self.halve = halve
        self.pieces = 1  # in which a batch goes through the flow
        self.optimiser = torch.optim.Adam(
            model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        self._losses = torch.compile(batch_losses, dynamic=False) if compiled else batch_losses

    def begin_epoch(self, epoch: int) -> float:
        """Set the learning rate of an epoch, which counts from 1. Returns it."""
        reductions = (epoch - 1) // self.config.lr_step
        lr = self.config.lr * self.config.lr_gamma**reductions
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        return lr

    def step(
        self,
        x: Float[Tensor, "N D"],
        labels: Int[Tensor, " N"],
        rows: TrainingRows,
        drawn: Int[Tensor, " P"] | None = None,
    ) -> Float[Tensor, " 2"]:
        """Take one step on a batch, with the prototypes of the ``drawn`` classes (None: of all).

        Returns both losses as they were before the step, on the device: likelihood, prototype.
        Raises ``TrainingError`` if memory runs out.
        """
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
        z, log_det = model(x, *_present_classes(rows.attributes, labels))
        likelihood = negative_log_likelihood(z, log_det)
        return torch.stack([likelihood, likelihood.new_zeros(())])

    # As published, the prototype loss teaches the flow, but not the positioning of the attributes.
    attributes, prototypes = rows.attributes, rows.prototypes
    if drawn is not None:
        prototypes = prototypes[drawn]
        needed, numbers = torch.cat([labels, drawn]).unique(return_inverse=True)
        attributes = attributes[needed]
        labels, drawn = numbers.split([len(labels), len(drawn)])

    condition, detached = model.flow.condition_twice(model.embed(attributes))
    u, of_start = model.start(x, attributes, labels)
    z, of_flow = model.flow(u, condition, labels)
    likelihood = negative_log_likelihood(z, of_flow + of_start)

    origin = torch.zeros_like(prototypes)
    image, _ = model.flow.inverse(origin, detached, drawn)
    generated, _ = model.start.inverse(image, attributes, drawn)
    return torch.stack([likelihood, prototype_loss(generated, prototypes)])


def _present_classes(attributes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the attributes that a batch needs, and labels that number them.

    Of many classes, few are in a batch.
    """
    if len(attributes) <= len(labels):
        return attributes, labels
    present, numbers = labels.unique(return_inverse=True)
    return attributes[present], numbers


def out_of_memory(error: RuntimeError) -> bool:
    """Say whether memory ran out. The CPU has no error class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
