"""One offline HTML page from a run: scores beside the baselines, how they were chosen, and pictures where there are some."""

from __future__ import annotations

import base64
import html
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from .experiment import Experiment
from .storage import write_whole

PICTURES = 10  # per class and row
CLASSIFIERS = {
    "softmax": "A linear classifier trained on both",
    "likelihood": "The flow itself as classifier, by its exact likelihood (the baselines below use a linear one),",
}
NAMES = {"ridge_gaussian": "ridge-Gaussian", "eszsl": "ESZSL", "oracle": "oracle (real unseen images)"}
STYLE = """
body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #222; background: #fff }
h1, h2 { line-height: 1.2 }
img { max-width: 100% }
table { border-collapse: collapse }
td, th { padding: .3rem .9rem; text-align: right }
th:first-child, td:first-child { text-align: left }
thead { border-bottom: 2px solid #222 }
tr.ours { font-weight: bold }
pre { background: #f4f4f4; padding: 1rem; overflow-x: auto; font-size: 14px }
.note { color: #555 }
"""


def write_report(experiment: Experiment, path: str | Path) -> None:
    """Write the page, whole or not at all. All names from data are shown as text; nothing is fetched when it is opened."""
    result = experiment.result
    title = f"What the flow imagined: {result['dataset']}"
    sections = [_intro(result), _scores(result), _pictures(experiment), _details(result)]
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{_text(title)}</h1>{''.join(sections)}</body></html>\n"
    )
    write_whole(path, page.encode())


def _intro(result: dict[str, Any]) -> str:
    scores, oracle = result["scores"], result["baselines"].get("oracle")
    share = f", {100 * scores['harmonic'] / oracle['harmonic']:.0f} % of the oracle's" if oracle and oracle["harmonic"] else ""
    return (
        f"<p>A conditional flow learnt from the seen classes, then imagined features of the unseen ones from their "
        f"descriptions alone. {CLASSIFIERS[result['classifier']]} reaches a harmonic mean of "
        f"<strong>{scores['harmonic']:.1f} %</strong>{share}.</p>"
        f'<p class="note">Protocol: {_text(result["rule"])}. Seed {result["seed"]}.</p>'
    )


def _scores(result: dict[str, Any]) -> str:
    rows = {"GSMFlow": result["scores"]} | {NAMES[name]: scores for name, scores in result["baselines"].items()}
    body = "".join(
        f"<tr{' class=ours' if name == 'GSMFlow' else ''}><td>{_text(name)}</td>"
        + "".join(f"<td>{scores[key]:.1f}</td>" for key in ("seen", "unseen", "harmonic", "zsl"))
        + "</tr>"
        for name, scores in rows.items()
    )
    return (
        "<h2>Scores</h2><table><thead><tr><th>means of per-class accuracies, %</th><th>seen S</th><th>unseen U</th>"
        f"<th>harmonic H</th><th>T1</th></tr></thead><tbody>{body}</tbody></table>"
        '<p class="note">S and U: every class competes. H = 2SU / (S + U). T1: only unseen classes compete. The oracle trains '
        "on real images of the unseen classes: half of them train, the other half is its test.</p>"
    )


def _pictures(experiment: Experiment) -> str:
    d = experiment.dataset
    if d.decode is None or d.images is None:
        return ""
    from . import figures

    made = experiment.model.synthesize(d.attributes[d.unseen_classes], PICTURES, seed=experiment.result["seed"])
    rng = np.random.default_rng(experiment.result["seed"])
    parts = []
    for k, features in zip(d.unseen_classes, made.cpu().numpy(), strict=True):
        own = d.of_class(k, d.test_unseen)
        real = d.features[rng.choice(own, PICTURES, replace=len(own) < PICTURES)]
        rows = {f"{d.class_names[k]}, real": d.decode(real), f"{d.class_names[k]}, imagined": d.decode(features)}
        figure = figures.picture_grid(rows)
        name = _text(d.class_names[k])
        parts.append(f'<p><img alt="real and imagined pictures of {name}" src="{_png(figure)}"></p>')
    return (
        "<h2>Pictures</h2><p>Of each unseen class: real images, as the features keep them, above what the flow imagined. "
        f"It never saw one of these classes.</p>{''.join(parts)}"
    )


def _details(result: dict[str, Any]) -> str:
    shown = {key: result[key] for key in ("classifier", "choice", "baseline_choices", "config", "seconds", "versions")}
    return f"<h2>How it was made</h2><pre>{_text(json.dumps(shown, indent=2))}</pre>"


def _png(figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=80)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _text(value: object) -> str:
    return html.escape(str(value))
