"""Training steps on a device that is not there, in a process of their own.

Torch's fake tensors know shapes, types and devices alone. A step that runs on them never asked for
a value (``.item()``, ``nonzero``, ``unique``), and never mixed tensors of the host with those of
the device. A copy between the two would be allowed, so :class:`NoTransfers` refuses it.

Prints what came of each case as JSON: nothing, or the error. The process is of its own because the
device must be known before the first backward pass, and would be in the way of other tests.
"""

import json
from collections.abc import Callable, Iterator

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from gsmflow_lite.config import MiningConfig, ModelConfig, TrainingConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.datasets.base import GZSLDataset
from gsmflow_lite.method import descent, prior
from gsmflow_lite.method.mining import RelationNetwork, mine_boundary_samples
from gsmflow_lite.method.rows import TrainingRows
from gsmflow_lite.method.training import new_model

NAME = "pretend"

# Mining comes before the steps, and torch has no autocast for a device that is not there.
STEPS = {
    "all classes": {},
    "no prototype loss": {"prototype_weight": 0.0},
    "some prototypes": {"prototype_classes": 2},
    "no perturbation": {"perturbation": 0.0},
    "tf32": {"precision": "tf32"},
    "more classes than rows": {"batch": 3, "prototype_classes": 1},
    "more classes than rows, no prototype loss": {"batch": 3, "prototype_weight": 0.0},
}
SHAPES = {
    "positioning": {},
    "no positioning": {"relative_positioning": False},
    "no semantics": {"semantics": "none"},
    "ridge start": {"start": "ridge"},
    "ridge-Gaussian start": {"start": "ridge-gaussian"},
}
WAITS: dict[str, Callable[[torch.Tensor], object]] = {
    "item": lambda x: x.sum().item(),
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: x.unique(),
    "cpu": lambda x: x.cpu(),
    "host noise": lambda x: x + torch.randn(x.shape),
    "mask": lambda x: x[x > 0],
}


class NoTransfers(TorchDispatchMode):
    """Refuses every operation that reads tensors of one device and gives tensors of another."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        run, given = func, kwargs
        if func is torch.ops.aten._fused_adam_.tensor_lr:  # fake tensors know the other one alone
            run, given = torch.ops.aten._fused_adam_.default, kwargs | {"lr": 0.1}
        result = run(*args, **given)
        leaves = tree_leaves((args, kwargs, result))
        devices = {leaf.device.type for leaf in leaves if isinstance(leaf, torch.Tensor)}
        assert len(devices) < 2, f"{func} goes from one device to another"
        return result


class Pretend:
    """Puts tensors and models on the device that is not there."""

    def __init__(self) -> None:
        _setup_privateuseone_for_python_backend(NAME)
        torch.pretend.get_amp_supported_dtype = lambda: [torch.bfloat16]
        self.device = torch.device(NAME, 0)
        self.mode = FakeTensorMode()

    def tensor(self, like: torch.Tensor) -> FakeTensor:
        return FakeTensor(self.mode, torch.empty_like(like, device="meta"), self.device)

    def model(self, model: torch.nn.Module) -> torch.nn.Module:
        for part in model.modules():
            for name, value in part._parameters.items():
                if value is not None:  # a layer without bias keeps None
                    part._parameters[name] = torch.nn.Parameter(self.tensor(value))
            for name, value in part._buffers.items():
                part._buffers[name] = self.tensor(value)
        return model


def two_steps(
    pretend: Pretend, dataset: GZSLDataset, config: TrainingConfig, shape: ModelConfig
) -> None:
    """Take two steps, and check that their losses and the optimiser's state stay on the device."""
    here = TrainingRows.of(dataset, torch.device("cpu"))
    parts = (here.features, here.labels, here.attributes, here.prototypes)
    rows = TrainingRows(*map(pretend.tensor, parts))
    model = pretend.model(new_model(dataset, shape))
    index = pretend.tensor(torch.arange(config.batch))
    drawn = None
    if config.prototype_classes:
        drawn = pretend.tensor(torch.arange(config.prototype_classes))

    with pretend.mode:
        taken = descent.Descent(model, config)
        with NoTransfers():
            for _ in range(2):
                losses = taken.step(rows, rows.features[index], rows.labels[index], drawn)
    assert losses.shape == (2,)
    kept = [losses, taken.optimiser.param_groups[0]["lr"]]
    for moments in taken.optimiser.state.values():
        kept += moments.values()
    assert len(kept) == 2 + 3 * len(list(model.parameters()))
    assert {value.device for value in kept} == {pretend.device}


def noise(pretend: Pretend) -> None:
    """Draw latent noise on the device."""
    places = pretend.tensor(torch.arange(20))
    with pretend.mode, NoTransfers():
        assert prior.sample(0, places, places, 8).device == pretend.device


def boundary_samples(pretend: Pretend, dataset: GZSLDataset) -> None:
    """Move rows to the boundary."""
    here = TrainingRows.of(dataset, torch.device("cpu"))
    x, labels, attributes = map(pretend.tensor, (here.features, here.labels, here.attributes))
    network = pretend.model(RelationNetwork(x.shape[1], attributes.shape[1], 8))
    network.requires_grad_(False)
    config = MiningConfig(loops=2, batch=16)
    with pretend.mode, NoTransfers():
        moved = mine_boundary_samples(network, x, labels, attributes, config)
    assert moved.device == pretend.device


def cases() -> Iterator[tuple[str, Callable[[], None]]]:
    """Give the name of each case, and the work."""
    dataset = gaussian_world(3, samples=30, seed=0).dataset
    plain = {"mining": None, "batch": 16, "prototype_classes": None}
    sizes = {"blocks": 2, "hidden": 8, "embedding": 6}
    pretend = Pretend()
    torch.Generator = lambda device: None  # the device has none

    def work(step: dict, shape: dict) -> Callable[[], None]:
        config = TrainingConfig(**plain | step)
        return lambda: two_steps(pretend, dataset, config, ModelConfig(**sizes | shape))

    for step, changes in STEPS.items():
        for shape, other in SHAPES.items():
            yield f"step: {step}, {shape}", work(changes, other)
    yield "step: latent noise", lambda: noise(pretend)
    yield "step: boundary samples", lambda: boundary_samples(pretend, dataset)
    for name, wait in WAITS.items():
        descent.perturb = lambda x, strength, noise, wait=wait: (wait(x), x)[1]
        yield f"waits: {name}", work({}, {})


def outcome(work: Callable[[], None]) -> str:
    try:
        work()
    except Exception as error:  # any: it is what is asked for
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    print(json.dumps({name: outcome(work) for name, work in cases()}))
