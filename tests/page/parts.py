"""The parts of the page beside made-up data and an engine that only notes what it is asked."""

import importlib.resources
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager

import lab
import numpy as np
import pytest

from gsmflow_lite.page.modules import page_modules, script

NAMES = ("=W", "<b>X</b>", "Y", "Z")  # names come from files
CHOSEN = (0, 1)
ROWS = 10  # real ones of each class
EACH = 12  # synthesized ones
FLOWS = (
    {"key": "whole", "title": "GSMFlow", "switches": {"positioning": True, "start": True}},
    {"key": "less", "title": "less", "switches": {"positioning": False, "start": True}},
    {"key": "ridge", "title": "ridge-Gaussian", "switches": None},
)
WORLD = {
    "name": "made",
    "title": "Made up",
    "classes": {
        "names": NAMES,
        "seen": [False, False, True, True],
        "colours": ["#0072B2", "#D55E00", "#009E73", "#CC79A7"],
        "chosen": CHOSEN,
    },
    "attributes": {"names": ["tall"]},
    "flows": FLOWS,
    "pictures": {"kind": "decoded", "height": 2, "width": 3},
}
# A class is a block of 5 x 2 points: in one lens the classes stand side by side, in the other one
# they stand upon each other.
BLOCK = np.stack([np.arange(ROWS) % 5, np.arange(ROWS) // 5], 1).astype(float)
PCA = np.concatenate([BLOCK + np.array([10 * k, 0]) for k in range(len(NAMES))])
UMAP = PCA - np.repeat(np.arange(len(NAMES)), ROWS)[:, None] * np.array([10, -10])
LABELS = np.repeat(np.arange(len(NAMES)), ROWS)

PARTS = """
import { dosesOf, isSealed, sealedDrift } from "./sealed.js";
import { gliderOf } from "./glider.js";
import { make } from "./dom.js";
import { placeAt, zoomedAt } from "./lens_view.js";
import { showDrifts } from "./drifts.js";
import { showMap } from "./map.js";
import { showMeters } from "./meter_view.js";
import { showQuiz } from "./quiz.js";
import { cell, fileName, showSaving } from "./saving.js";
import { startState, startStore, writeAddress } from "./state.js";
import { startWords } from "./words.js";

export function startParts({ world, facts, changes }) {
  const lists = { labels: Uint16Array, pca: Float32Array, umap: Float32Array };
  for (const [name, kind] of Object.entries(lists)) facts[name] = kind.from(facts[name]);
  const worlds = [world];
  const store = startStore({ ...startState(), story: 4, ...changes });
  const asked = [];
  const held = [];
  const answer = (kind, values) => (kind === "meters" ? meters(values) : classes(values));
  const engine = {
    async ask(kind, values, lane) {
      asked.push({ kind, ...values, lane });
      if (globalThis.holding) await new Promise((go) => held.push(go));
      return answer(kind, values);
    },
  };
  let imagined = () => {};
  globalThis.app = {
    ...store,
    asked,
    engine,
    worlds,
    facts: [facts],
    say: startWords(),
    world: () => world,
    fact: () => facts,
    title: () => "W",
    onImagined: (tell) => (imagined = tell),
    rowPictures: { drawRows: async () => {} },
    letGo: () => held.splice(0).forEach((go) => go()),
  };
  const parts = { map: showMap, meters: showMeters, drifts: showDrifts, quiz: showQuiz };
  for (const [id, show] of Object.entries({ ...parts, saving: showSaving })) {
    const place = make("section", { id });
    document.body.append(place);
    show(place, app);
  }
  app.imagine = () => imagined(classes({ doses: {} }));
  const address = () => writeAddress(app.state, worlds);
  const sealed = { dosesOf, isSealed, sealedDrift };
  const pure = { cell, fileName, gliderOf, placeAt, zoomedAt };
  Object.assign(globalThis, sealed, pure, { address });
}

// Both classes in the middle of their real rows; a structure dose moves them up. The first is far
// from everything.
function classes({ doses: { structure = 0 } }) {
  const places = { labels: [], pca: [], umap: [], near: [], far: [] };
  for (const k of [0, 1]) {
    for (let i = 0; i < 12; i++) {
      places.labels.push(k);
      places.pca.push(10 * k + 0.3 * i + 0.15, 0.5 + structure);
      places.umap.push(0.3 * i + 0.15, 10 * k + 0.5 + structure);
      places.near.push(10 * k);
      places.far.push(k ? 0.25 : 1.5);
    }
  }
  const numbers = ["pca", "umap", "far"].map((name) => [name, Float32Array.from(places[name])]);
  const whole = { labels: Uint16Array.from(places.labels), near: Int32Array.from(places.near) };
  return { ...whole, ...Object.fromEntries(numbers), pictures: new Uint8Array(12 * 6) };
}

function meters({ doses }) {
  const reading = (value, ceiling, word) => {
    return { value, low: value - 0.05, high: value + 0.05, floor: 0, ceiling, score: 1, word };
  };
  const spread = 1 - doses.variance;
  const readings = {
    agreement: reading(0.35, 0.7, "watch"),
    spread: reading(spread, 1, spread < 0.7 ? "shifted" : "fine"),
    "distance order": reading(0.9, 0.9, "cannot tell"),
  };
  return { readings, spreadByClass: [reading(0.5, 1, "shifted"), reading(1, 1, "fine")] };
}
"""


@contextmanager
def browser() -> Iterator:
    """A Chromium; the test is skipped without one."""
    if not importlib.util.find_spec("playwright") or not lab.chromium_path():
        pytest.skip("the page's parts need playwright and chromium (set CHROMIUM to its path)")
    with lab.chromium() as opened:
        yield opened


def open_parts(context, *, facts: dict | None = None, **changes):
    """A page with every part, in the state that ``changes`` say; ``facts`` replace made-up ones."""
    sources = page_modules()
    folder = importlib.resources.files("gsmflow_lite.page") / "app"
    words = (folder / "words.en.json").read_text(encoding="utf-8").replace("<", "\\u003c")
    style = (folder / "page.css").read_text(encoding="utf-8")
    usual = {"labels": LABELS.tolist(), "pca": PCA.ravel().tolist(), "umap": UMAP.ravel().tolist()}
    given = {"world": WORLD, "facts": usual | (facts or {}), "changes": changes}
    last = f"startParts({json.dumps(given)});".replace("<", "\\u003c")
    run = script("parts.js", {**sources, "parts.js": PARTS.strip()}, last)

    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.set_content(
        f"<!doctype html><html lang=en><title>parts</title><style>{style}</style>"
        f'<body><script type="application/json" id="words">{words}</script>'
        f"<script>{run}</script>"
    )
    page.wait_for_selector(".meter[data-word], .meters-list")
    page.wait_for_timeout(400)  # until points have come to rest
    return page
