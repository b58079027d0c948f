"""Train the flows that come with the package, and lay out the maps of real letters and syllables.

    python data/build_zoo.py

writes ``glyphs_zoo.safetensors`` and ``hangul_zoo.safetensors`` beside this file in about ten
minutes, and prints what each flow is worth on the unseen classes: T1 by its likelihood, and the
headlines of the three shift meters. Nothing is chosen by these numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gsmflow_lite import (
    GSMFlow,
    GZSLDataset,
    ProgressBar,
    RidgeGaussian,
    fit,
    glyphs,
    hangul,
    measure,
    new_model,
)
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.generators.zoo import SHIPPED, ZOO_SEED, Mechanisms, Zoo, zoo_file
from gsmflow_lite.scores.evaluation import per_class_accuracy

HERE = Path(__file__).resolve().parent
DATASETS = {"glyphs": glyphs, "hangul": hangul}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", choices=DATASETS, action="append", help="only this one")
    torch.set_num_threads(1)  # the same sums in the same order everywhere
    for name in parser.parse_args().dataset or DATASETS:
        dataset = DATASETS[name]()
        tensors = _start(dataset)
        for mechanisms in SHIPPED[name]:
            tensors |= _flow(name, dataset, mechanisms)
        scene = Scene.of(dataset, seed=ZOO_SEED)
        path = HERE / zoo_file(name)
        Zoo(name, dataset, scene.real.umap, scene.projection.neighbours, tensors).save(path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")


def _start(dataset: GZSLDataset) -> Mapping[str, Tensor]:
    """The ridge-Gaussian that flows with a start share."""
    start = RidgeGaussian.fit(dataset).start
    return {f"start.{name}": value.clone() for name, value in start.state_dict().items()}


def _flow(name: str, dataset: GZSLDataset, mechanisms: Mechanisms) -> Mapping[str, Tensor]:
    """The weights of one flow by the names that they have in the file."""
    config = mechanisms.config(name)
    model = new_model(dataset, config.model, seed=ZOO_SEED)
    with ProgressBar() as bar:
        for event in fit(model, dataset, config.training, seed=ZOO_SEED, device="cpu"):
            bar(event)
    print(f"{name} {mechanisms.key}  {_worth(model.eval(), dataset)}", flush=True)
    return {
        f"{mechanisms.key}.{part}": value.clone()
        for part, value in model.state_dict().items()
        if not part.startswith("start.")
    }


def _worth(model: GSMFlow, dataset: GZSLDataset) -> str:
    metrics = ("semantic", "variance", "structure", "own class")
    report = measure(dataset, model, n=200, seed=ZOO_SEED, metrics=metrics)
    meters = "  ".join(f"{name} {report.reading(name).value:.2f}" for name in metrics)
    return f"T1 {_t1(model, dataset):.1f}  {meters}"


def _t1(model: GSMFlow, dataset: GZSLDataset) -> float:
    """Mean per-class accuracy in per cent where only unseen classes compete, by likelihood."""
    unseen = dataset.unseen_classes
    rows = torch.from_numpy(dataset.features[dataset.test_unseen])
    answers = model.log_prob(rows, dataset.attributes[unseen]).argmax(1).numpy()
    return 100 * per_class_accuracy(dataset.labels[dataset.test_unseen], unseen[answers]).mean()


if __name__ == "__main__":
    main()
