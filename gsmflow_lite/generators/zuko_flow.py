"""A conditional flow from another library, zuko, as a generator.

It shows which findings hold for our flow alone, and which hold for any flow.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..arguments import check_asked, check_seed, real, whole
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..datasets.preprocessing import Preprocessing
from ..errors import ConfigError, TrainingError, require
from ..method import prior
from ..method.tensors import checked_attributes
from ..seeds import derived_seed

if TYPE_CHECKING:
    from zuko.lazy import Flow

ZUKO_KINDS = ("affine", "spline")


class ZukoFlow:
    r"""A plain conditional coupling flow, built and inverted by zuko.

    .. math:: x = \mu + \sigma \odot f^{-1}(z, a)

    Nothing in it is made for unseen classes: no prototypes, no relative positioning, no mining.
    ``flow`` is f, from standardised features to the latent space. ``features`` and ``attributes``
    are the standardisations, fitted on the training rows and on the seen classes. Make one with
    :meth:`fit`. https://zuko.readthedocs.io
    """

    def __init__(self, flow: Flow, features: Preprocessing, attributes: Preprocessing) -> None:
        self.flow = flow
        self.features = features
        self.attributes = attributes

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
        """Train on the training rows by maximum likelihood; the same ``seed`` trains the same flow.

        ``kind`` is ``affine`` for affine couplings (zuko's MAF in two passes, that is, Real NVP),
        or ``spline`` for rational-quadratic ones (NSF), which bend more and take about seven times
        as long. More ``transforms`` and larger ``hidden`` (the width of both hidden layers of each)
        fit the seen classes closer. ``perturbation`` is the standard deviation of the noise on
        standardised features: a larger one keeps samples from falling onto training rows. The
        learning rate rises to ``lr`` and falls to about 0 again.

        Raises ``ConfigError`` for a setting out of its range and where zuko is not installed, and
        ``TrainingError`` if the loss stops being finite.
        """
        dataset = the_dataset(dataset)
        _check_settings(kind, lr=lr)
        seed = check_seed(seed)
        perturbation = real(perturbation, "perturbation", least=0)
        counts = {"transforms": transforms, "hidden": hidden, "epochs": epochs, "batch": batch}
        transforms, hidden, epochs, batch = (
            whole(value, name, least=1) for name, value in counts.items()
        )
        sizes = {"transforms": transforms, "hidden": hidden}
        zuko = _import_zuko()

        features = Preprocessing.fit("standardise", dataset.features[dataset.train])
        attributes = _attribute_standardiser(dataset.attributes[dataset.seen_classes])
        x = torch.from_numpy(features.transform(dataset.features[dataset.train]))
        contexts = torch.from_numpy(attributes.transform(dataset.attributes))
        labels = torch.from_numpy(dataset.labels[dataset.train])

        with torch.random.fork_rng(devices=[]):  # zuko draws its weights from the global stream
            torch.manual_seed(derived_seed(seed, "first weights"))
            flow = _new_flow(zuko, kind, x.shape[1], contexts.shape[1], **sizes)
            _train(
                flow,
                x,
                contexts,
                labels,
                epochs=epochs,
                lr=lr,
                batch=batch,
                perturbation=perturbation,
            )
        return cls(flow.eval(), features, attributes)

    @torch.no_grad()
    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize ``n`` features of each class, on the CPU.

        A larger ``temperature`` gives more varied features.
        """
        n, temperature, seed = check_asked(n, temperature, seed)
        width = len(self.attributes.scale)
        table = checked_attributes(attributes, width).detach().cpu().float().numpy()
        contexts = torch.from_numpy(self.attributes.transform(table))
        width = len(self.features.scale)
        places = torch.arange(n)

        x = torch.empty(len(contexts), n, width)
        for k, context in enumerate(contexts):  # one by one, so that memory stays small
            z = temperature * prior.sample(seed, torch.full_like(places, k), places, width)
            x[k] = self.flow.transform(context.expand(n, -1)).inv(z)
        return torch.from_numpy(self.features.inverse(x.numpy()))


def _new_flow(
    zuko: ModuleType, kind: str, features: int, contexts: int, *, transforms: int, hidden: int
) -> Flow:
    build = {"affine": zuko.flows.MAF, "spline": zuko.flows.NSF}[kind]
    return build(
        features,
        contexts,
        transforms=transforms,
        hidden_features=(hidden, hidden),
        passes=2,  # coupling: half of the features is inverted given the other half
        randperm=True,  # another half in each transform
    )


def _train(
    flow: Flow,
    x: Float[Tensor, "N D"],
    contexts: Float[Tensor, "K C"],
    labels: Int[Tensor, " N"],
    *,
    epochs: int,
    lr: float,
    batch: int,
    perturbation: float,
) -> None:
    """Maximise the likelihood of x given the context of its class.

    Random numbers come from the global stream.
    """
    optimiser = torch.optim.AdamW(flow.parameters(), lr=lr, weight_decay=1e-2)
    steps = epochs * math.ceil(len(x) / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            noisy = x[rows] + perturbation * torch.randn(len(rows), x.shape[1])
            loss = -flow(contexts[labels[rows]]).log_prob(noisy).mean()
            loss = loss / x.shape[1]  # nats per feature
            _check_finite_loss(loss, lr)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 1.0)  # one odd batch must do no harm
            optimiser.step()
            schedule.step()


def _check_finite_loss(loss: Tensor, lr: float) -> None:
    if not loss.isfinite():
        raise TrainingError(f"the flow's loss must stay finite, got {loss.item()}: lower lr ({lr})")


def _attribute_standardiser(attributes: Float[np.ndarray, "S A"]) -> Preprocessing:
    """Standardise the attributes of the seen classes.

    An attribute that is the same for all of them teaches nothing and becomes 0.
    """
    fitted = Preprocessing.fit("standardise", attributes)
    varies = np.ptp(attributes, axis=0) > 1e-6 * np.abs(attributes).max(0)
    scale = np.where(varies, fitted.scale, np.finfo(np.float32).max)
    return Preprocessing(fitted.kind, fitted.offset, scale.astype(np.float32))


def _import_zuko() -> ModuleType:
    try:
        import zuko
    except ImportError:
        raise ConfigError(
            "ZukoFlow needs the zuko library, which is not installed: pip install zuko"
        ) from None
    return zuko


def _check_settings(kind: str, lr: float) -> None:
    require(kind in ZUKO_KINDS, f"kind must be one of {', '.join(ZUKO_KINDS)}", kind)
    require(real(lr, "lr") > 0, "lr must be positive", lr)
