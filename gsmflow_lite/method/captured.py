"""A training step as one launch: recorded once as a CUDA graph, then played back on other rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

#: A step on the rows of a batch, their labels and perhaps drawn classes. Returns both losses.
BatchStep = Callable[..., Float[Tensor, " 2"]]


class CapturedStep:
    """A step whose kernels were recorded. Calling it launches them all at once.

    A step of this method is hundreds of small kernels, and launching them one by one takes longer
    than running them. A recording has fixed addresses. So ``inputs`` are copied into the same
    tensors each time: they must have the shapes of those that it was recorded with. The same holds
    for the weights and the state of the optimiser; see :meth:`fits`. ``noise`` is the generator
    that the step draws from: a playback goes on where the draw before it ended.

    Recording runs nothing. It fails with a ``RuntimeError`` where the step waits for a result.
    """

    def __init__(
        self,
        step: BatchStep,
        inputs: tuple[Shaped[Tensor, " ..."], ...],
        model: nn.Module,
        noise: torch.Generator,
    ) -> None:
        self._step = step
        self._inputs = tuple(given.clone() for given in inputs)
        self._losses = inputs[0].new_empty(2)
        self._addresses = _addresses(model)
        self._play = recorded(self._run, noise)

    def fits(self, model: nn.Module, inputs: tuple[Shaped[Tensor, " ..."], ...]) -> bool:
        """Say whether the recording is of inputs of these shapes, and of where the weights are."""
        shapes = [given.shape for given in inputs]
        same = shapes == [own.shape for own in self._inputs]
        return same and self._addresses == _addresses(model)

    def __call__(self, *inputs: Tensor) -> Float[Tensor, " 2"]:
        """Take the step on these inputs. The result is written over by the next call."""
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._play()
        return self._losses

    def _run(self) -> None:
        self._losses.copy_(self._step(*self._inputs))


def can_be_captured(device: torch.device) -> bool:
    """Say whether steps can be recorded on a device."""
    return device.type == "cuda"


def recorded(run: Callable[[], None], noise: torch.Generator) -> Callable[[], None]:
    """Record the kernels that ``run`` launches on the device of ``noise``, which is CUDA.

    Returns what launches them again. Other threads, say of a panel, may go on using the device.
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(noise)
    stream = torch.cuda.Stream(noise.device)  # torch's own would be one of the first device
    with (
        torch.cuda.device(noise.device),
        torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"),
    ):
        run()
    return graph.replay


def aside(step: BatchStep, *inputs: Tensor) -> Float[Tensor, " 2"]:
    """Take a step on another stream, as CUDA asks of those before a recording."""
    device = inputs[0].device
    here = torch.cuda.current_stream(device)
    other = torch.cuda.Stream(device)
    other.wait_stream(here)
    with torch.cuda.stream(other):
        losses = step(*inputs)
    here.wait_stream(other)
    return losses


def _addresses(model: nn.Module) -> list[int]:
    return [parameter.data_ptr() for parameter in model.parameters()]
