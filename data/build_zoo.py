"""Train the flows that come with the package, and lay out the map of real letters.

    python data/build_zoo.py

writes ``zoo.safetensors`` beside this file in about three minutes, and prints what each flow is
worth on the unseen classes: T1 by a linear softmax of fixed settings, and the headlines of the
three shift meters. Nothing is chosen by these numbers.
"""

from __future__ import annotations

from pathlib import Path

import torch

from gsmflow_lite import fit, glyphs, measure, new_model
from gsmflow_lite.config import ClassifierConfig
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.generators.zoo import ZOO_SEED, Mechanisms, Zoo
from gsmflow_lite.scores.evaluation import softmax_logits

OUT = Path(__file__).resolve().parent / "zoo.safetensors"
CLASSIFIER = ClassifierConfig(penalties=(3e-3,))


def main() -> None:
    torch.set_num_threads(1)  # the same sums in the same order everywhere
    dataset = glyphs()
    tensors = {}
    for mechanisms in Mechanisms.every():
        config = mechanisms.config()
        model = new_model(dataset, config.model, seed=ZOO_SEED)
        for _ in fit(model, dataset, config.training, seed=ZOO_SEED, device="cpu"):
            pass
        model = model.eval()
        for name, value in model.state_dict().items():
            shared = name.startswith("start.")  # all that have a start have the same one
            tensors[name if shared else f"{mechanisms.key}.{name}"] = value.clone()
        print(f"{mechanisms.key}  {_worth(model, dataset)}", flush=True)
    scene = Scene.of(dataset, seed=ZOO_SEED)
    Zoo(dataset, scene.real.umap, scene.projection.neighbours, tensors).save(OUT)
    print(f"{OUT.name}: {OUT.stat().st_size / 1e3:.0f} kB")


def _worth(model, dataset) -> str:
    t1 = softmax_logits(model, dataset, CLASSIFIER, seed=ZOO_SEED).scores().zsl
    report = measure(
        dataset, model, n=200, seed=ZOO_SEED, metrics=("semantic", "variance", "structure")
    )
    meters = "  ".join(
        f"{name} {report.reading(name).value:.2f}" for name in ("semantic", "variance", "structure")
    )
    return f"T1 {t1:.1f}  {meters}"


if __name__ == "__main__":
    main()
