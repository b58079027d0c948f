"""Time the page that computes, in Chromium with software rendering.

    python benchmarks/page.py --json page.json

The page of letters and Hangul is written and opened from disk. *Opening*: from the address to the
first picture. *Slider*: an attribute moves; from the question to twelve new pictures, drawn on
twelve canvases; the same while meters are computed all the time, as in life. *Meters*: the three
headlines of the chosen classes, first and again; what is real is kept. *Classes*: 40 samples of
each chosen class, placed on both lenses.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gsmflow_lite.page.export import computing_page
from gsmflow_lite.storage import write_json

OPENINGS = 3
REPEATS = 7  # of meters and of all classes
SAMPLES = 40  # of each of all classes

# A worker of the page's own engine, which this script asks as the page does.
START = """async (base64) => {
  const text = document.getElementById("engine").textContent;
  const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data }) => {
    if (data.error) throw new Error(data.error);
    waiting.get(data.id)(data);
  };
  window.askEngine = (kind, values) => new Promise((resolve) => {
    waiting.set(++last, resolve);
    worker.postMessage({ id: last, kind, lane: "", ...values });
  });
  window.openedWorlds = await askEngine("open", { base64 });
}"""
TIMED = """async ([kind, world, repeats, values]) => {
  const times = [];
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    await askEngine(kind, { world, flow: 0, ...values });
    times.push(performance.now() - started);
  }
  return times;
}"""
SLIDER = """async ([world, moves, measuring]) => {
  const { header, worlds } = openedWorlds;
  const { height, width } = header.worlds[world].pictures;
  const count = header.worlds[world].attributes.names.length;
  const canvases = Array.from({ length: 12 }, () => {
    return Object.assign(document.createElement("canvas"), { height, width });
  });
  function draw(pictures) {
    canvases.forEach((canvas, i) => {
      const image = new ImageData(width, height);
      for (let at = 0; at < height * width; at++) {
        image.data.fill(pictures[i * height * width + at], 4 * at, 4 * at + 3);
        image.data[4 * at + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    });
  }
  let going = measuring;
  async function measureOn() {
    while (going) await askEngine("meters", { world, flow: 0 });
  }
  const measured = measureOn();
  const times = [];
  for (let i = 0; i < moves; i++) {
    const attributes = worlds[world].attributes.slice(0, count);
    const place = i % count;
    attributes[place] = worlds[world].low[place] + Math.random();
    const started = performance.now();
    const values = { world, flow: 0, attributes, count: 11, typical: true };
    draw((await askEngine("imagine", values)).pictures);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 20)); // as between two moves of a slider
  }
  going = false;
  await measured;
  return times;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--moves", type=int, default=100)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    result: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, load {load:.1f} at the start",
        **_times(options.moves),
    }
    write_json(options.json, result)
    print(result["machine"])
    print(_table(result))


def _times(moves: int) -> dict[str, Any]:
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    import lab

    text = computing_page().text
    with tempfile.TemporaryDirectory() as folder, lab.chromium() as browser:
        path = Path(folder) / "page.html"
        path.write_text(text, encoding="utf-8")
        opening = [_opening(browser, path) for _ in range(OPENINGS)]
        page = browser.new_page()
        page.goto(path.as_uri())
        data = re.search(r'id="data">([^<]*)<', text)
        assert data is not None
        page.evaluate(START, data[1].strip())
        titles = [world["title"] for world in page.evaluate("openedWorlds.header.worlds")]
        worlds = {title: _of_world(page, i, moves) for i, title in enumerate(titles)}
    return {"megabytes": len(text.encode()) / 1e6, "opening (ms)": opening, "worlds": worlds}


def _opening(browser: Any, path: Path) -> float:
    page = browser.new_page()
    page.goto(path.as_uri(), wait_until="commit")
    page.wait_for_selector("canvas, img", state="visible")
    milliseconds = float(page.evaluate("performance.now()"))
    page.close()
    return milliseconds


def _of_world(page: Any, number: int, moves: int) -> dict[str, Any]:
    page.evaluate(TIMED, ["meters", number, 1, {"seed": 1}])  # compiled by now
    meters = page.evaluate(TIMED, ["meters", number, REPEATS, {}])
    classes = page.evaluate(TIMED, ["classes", number, REPEATS, {"count": SAMPLES}])
    page.evaluate(SLIDER, [number, 10, False])
    return {
        "slider": _summary(page.evaluate(SLIDER, [number, moves, False])),
        "slider while measuring": _summary(page.evaluate(SLIDER, [number, moves, True])),
        "meters": _summary(meters),
        f"{SAMPLES} samples of each chosen class": _summary(classes),
    }


def _summary(times: list[float]) -> dict[str, float]:
    return {
        "median": float(np.median(times)),
        "p95": float(np.quantile(times, 0.95)),
        "worst": max(times),
    }


def _table(result: dict[str, Any]) -> str:
    opening = ", ".join(f"{time / 1000:.2f}" for time in result["opening (ms)"])
    rows = [("the file", f"{result['megabytes']:.1f} MB"), ("opening", f"{opening} s")]
    for title, times in result["worlds"].items():
        for what, of in times.items():
            three = " / ".join(f"{of[name]:.0f}" for name in ("median", "p95", "worst"))
            rows.append((f"{title}: {what}, median / 95 % / worst", f"{three} ms"))
    lines = [f"| {what} | {how} |" for what, how in rows]
    return "\n".join(["| what | how much |", "|---|---|", *lines])


if __name__ == "__main__":
    main()
