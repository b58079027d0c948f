"""A conditional flow from another library, zuko, as a generator: what is true of our flow alone, and what of any flow?"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from ..config import check_seed
from ..datasets.base import GZSLDataset
from ..datasets.preprocessing import Preprocessing
from ..errors import ConfigError, TrainingError
from ..seeds import derived_seed, torch_stream

ZUKO_KINDS = ("affine", "spline")


class ZukoFlow:
    r"""A plain conditional coupling flow, :math:`x = \mu + \sigma \odot f^{-1}(z, a)`, with f built and inverted by zuko.

    Nothing in it is made for unseen classes: no prototypes, no relative positioning, no mining. ``flow`` maps standardised
    features to the latent space; ``features`` and ``attributes`` are the standardisations, fitted on training rows and on
    seen classes. Make one with :meth:`fit`. https://zuko.readthedocs.io
    """

    def __init__(self, flow: nn.Module, features: Preprocessing, attributes: Preprocessing) -> None:
        self.flow, self.features, self.attributes = flow, features, attributes

    @classmethod
    def fit(
        cls,
        dataset: GZSLDataset,
        *,
        kind: str = "affine",
        transforms: int = 6,
        hidden: int = 128,
        epochs: int = 5,
        lr: float = 2e-3,
        batch: int = 256,
        perturbation: float = 0.3,
        seed: int = 0,
    ) -> ZukoFlow:
        """Train on the training rows of ``dataset`` by maximum likelihood; the same ``seed`` gives the same flow.

        ``kind``: ``affine`` couplings (zuko's MAF in two passes, that is, Real NVP) or rational-quadratic ``spline`` ones
        (NSF), which bend more and take about seven times as long. More ``transforms`` and larger ``hidden`` (width of the two
        hidden layers of each) fit the seen classes closer. Larger ``perturbation``, the standard deviation of the noise on
        standardised features, keeps samples from falling onto training rows. The learning rate rises to ``lr`` and falls to
        about 0 again. Raises ``ConfigError``, also where zuko is not installed, and ``TrainingError`` if the loss stops being
        finite.
        """
        _check(
            kind,
            seed,
            perturbation,
            transforms=transforms,
            hidden=hidden,
            epochs=epochs,
            lr=lr,
            batch=batch,
        )
        zuko = _zuko()
        features = Preprocessing.fit("standardise", dataset.features[dataset.train])
        attributes = _standardiser(dataset.attributes[dataset.seen_classes])
        x = torch.from_numpy(features.transform(dataset.features[dataset.train]))
        c = torch.from_numpy(attributes.transform(dataset.attributes))
        with torch.random.fork_rng(
            devices=[]
        ):  # zuko draws its weights and orders from the global stream
            torch.manual_seed(derived_seed(seed, "first weights"))
            build = {"affine": zuko.flows.MAF, "spline": zuko.flows.NSF}[kind]
            flow = build(
                x.shape[1],
                c.shape[1],
                transforms=transforms,
                hidden_features=(hidden, hidden),
                passes=2,  # coupling: one half of the features is inverted given the other, not feature by feature
                randperm=True,  # another half in each transform
            )
            _train(
                flow,
                x,
                c,
                torch.from_numpy(dataset.labels[dataset.train]),
                epochs,
                lr,
                batch,
                perturbation,
            )
        return cls(flow.eval(), features, attributes)

    @torch.no_grad()
    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Attributes (M, A) -> features (M, n, D) on the CPU. Larger ``temperature`` gives more varied features."""
        asked = np.asarray(torch.as_tensor(attributes).detach().cpu(), np.float32)
        contexts, width = (
            torch.from_numpy(self.attributes.transform(asked)),
            len(self.features.scale),
        )
        generator = torch_stream(seed, "latent noise")
        x = torch.empty(len(contexts), n, width)
        for k, c in enumerate(
            contexts
        ):  # class by class, so that memory does not grow with their number
            z = temperature * torch.randn(n, width, generator=generator)
            x[k] = self.flow.transform(c.expand(n, -1)).inv(z)
        return torch.from_numpy(self.features.inverse(x.numpy()))


def _train(
    flow,
    x: Tensor,
    c: Tensor,
    labels: Tensor,
    epochs: int,
    lr: float,
    batch: int,
    perturbation: float,
) -> None:
    """Maximum likelihood of x (N, D) given c (K, C) of its class; random numbers come from the global stream."""
    optimiser = torch.optim.AdamW(flow.parameters(), lr=lr, weight_decay=1e-2)
    steps = epochs * math.ceil(len(x) / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            noisy = x[rows] + perturbation * torch.randn(len(rows), x.shape[1])
            loss = -flow(c[labels[rows]]).log_prob(noisy).mean() / x.shape[1]  # nats per feature
            if not loss.isfinite():
                raise TrainingError(
                    f"the flow's loss must stay finite, got {loss.item()}: lower lr ({lr})"
                )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(
                flow.parameters(), 1.0
            )  # one odd batch must not throw the flow off
            optimiser.step()
            schedule.step()


def _standardiser(attributes: np.ndarray) -> Preprocessing:
    """Standardise attributes of the seen classes (S, A); one that is the same for all of them teaches nothing and becomes 0."""
    fitted = Preprocessing.fit("standardise", attributes)
    varied = np.ptp(attributes, axis=0) > 1e-6 * np.abs(attributes).max(0)
    return Preprocessing(
        fitted.kind,
        fitted.offset,
        np.where(varied, fitted.scale, np.finfo(np.float32).max).astype(np.float32),
    )


def _zuko() -> ModuleType:
    try:
        import zuko
    except ImportError:
        raise ConfigError(
            "ZukoFlow needs the zuko library, which is not installed: pip install zuko"
        ) from None
    return zuko


def _check(kind: str, seed: int, perturbation: float, **positive: float) -> None:
    check_seed(seed)
    if kind not in ZUKO_KINDS:
        raise ConfigError(f"kind must be one of {', '.join(ZUKO_KINDS)}, got {kind!r}")
    if not 0 <= perturbation < math.inf:
        raise ConfigError(f"perturbation must be 0 or more, got {perturbation}")
    for name, value in positive.items():
        if not 0 < value < math.inf:
            raise ConfigError(f"{name} must be positive, got {value}")
