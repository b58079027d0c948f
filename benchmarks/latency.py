"""Time how long a user waits for the shift explorer.

    python benchmarks/latency.py --json latency.json

On the embedded glyphs: 2000 real points and 500 synthesized ones (10 classes of 50). *In the
kernel*: from a slider's new value to new arrays in the figure, with the meters computed in the
background all the while, as in life. *On the page*: from the press of a key to plotly's
``afterplot`` in Chromium with software rendering, where Chromium and Playwright are installed; a
burst of 30 presses, in which only the last must be drawn; a page that is busy drawing stretches
them; and how many pictures a second are drawn of points that glide. *Naively*: real and synthesized
features laid out anew by UMAP with its defaults at each move. *At the start*: until the first map
stands, and placing 3000 new points of 256 dimensions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gsmflow_lite.panels import explore
from gsmflow_lite.storage import write_json

# All unseen classes and a seen one: with 50 samples each they have 500 synthesized points.
CLASSES = tuple("26IMQSUbr0")
SLIDERS = ("variance", "semantic", "structure", "temperature")
BURST = 30  # key presses
STATE = "explore?samples=50&" + "&".join(f"classes={name}" for name in CLASSES)
CELL = f"from gsmflow_lite.panels import explore\nexplore(state='{STATE}')"
FRESH = {
    "first map, from a fresh process (s)": """
        import gsmflow_lite.panels
        gsmflow_lite.panels.explore()._repr_mimebundle_()
        print(json.dumps(time.perf_counter() - started))""",
    "placing 3000 x 256 with a new map, first and again (s)": """
        import numpy as np
        from gsmflow_lite.figures.projection import Projection
        rng = np.random.default_rng(0)
        middles = 3 * rng.standard_normal((20, 256))
        sample = lambda n: middles[rng.integers(20, size=n)] + rng.standard_normal((n, 256))
        real = sample(2000)
        new = sample(3000)
        started = time.perf_counter()
        projection = Projection.fit(real, seed=0, cache=False)
        projection.placed(new)
        first, started = time.perf_counter() - started, time.perf_counter()
        projection.placed(new)
        print(json.dumps([first, time.perf_counter() - started]))""",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument(
        "--moves", type=int, default=100, help="of each slider in the kernel; a fifth on the page"
    )
    parser.add_argument("--naive", type=int, default=3, help="moves with a refit")
    options = parser.parse_args()
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    result: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {threads} threads, "
        f"load {os.getloadavg()[0]:.1f} at the start"
    }
    print(result["machine"])
    result["start"] = {name: _fresh(code) for name, code in FRESH.items()}
    result["start"]["explore() in a warm kernel, then its display (s)"] = asyncio.run(_shown())
    result["kernel"] = asyncio.run(_in_the_kernel(options.moves))
    result["naive"] = _naive(options.naive)
    result["page"] = _on_the_page(max(10, options.moves // 5))
    result["ratio"] = 1000 * result["naive"]["seconds"] / result["kernel"]["median"]
    write_json(options.json, result)
    print(_table(result))


# --- In the kernel --------------------------------------------------------------------------------


async def _shown() -> list[float]:
    """Seconds until ``explore()`` returns and until it is displayed, where the library is warm."""
    explore()._repr_mimebundle_()
    started = time.perf_counter()
    panel = explore()
    ready = time.perf_counter()
    panel._repr_mimebundle_()
    return [ready - started, time.perf_counter() - ready]


async def _in_the_kernel(moves: int) -> dict[str, float]:
    """Milliseconds from a slider's value to the figure's arrays: ``moves`` of each, 20 a second."""
    panel = explore()
    panel.set(classes=CLASSES, samples=50)
    panel.wait()
    drawn = panel.map.trace("synthesized", "umap")
    times = []
    for name in SLIDERS:
        slider = panel.controls[name]
        for value in np.linspace(max(slider.min, 0), slider.max, moves + 1)[1:]:
            before = drawn.x
            started = time.perf_counter()
            slider.value = float(value)
            if drawn.x is not before:
                times.append(1000 * (time.perf_counter() - started))
            await asyncio.sleep(0.05)  # the meters go on and report, as between two messages
        panel.set(**{name: panel.initial[name]})
    synthesized = panel.synthesized.points.count
    real = panel.scene.real.count
    panel.wait()
    panel.close()
    return {"real": real, "synthesized": synthesized, "moves": len(times), **_summary(times)}


def _naive(moves: int) -> dict[str, float]:
    """Seconds a move with a new UMAP of everything.

    The first fit of the process, which compiles, is not counted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap says that a seeded layout has one thread
        import umap

        panel = explore(name="naive")
        panel.set(classes=CLASSES, samples=50)
        scene = panel.scene
        times = []
        for value in np.linspace(0, 1, moves + 1):
            panel.set(variance=float(value))
            features = np.concatenate(
                [scene.dataset.features[scene.rows], panel.synthesized.features]
            )
            started = time.perf_counter()
            umap.UMAP(random_state=0).fit_transform(features)
            times.append(time.perf_counter() - started)
    panel.close()
    return {
        "moves": moves,
        "points": len(features),
        "first": times[0],
        "seconds": float(np.median(times[1:])),
    }


def _fresh(code: str) -> Any:
    """What a new process prints."""
    lines = "\n".join(line.strip() for line in code.splitlines())
    script = f"import json, time\nstarted = time.perf_counter()\n{lines}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


# --- On the page ----------------------------------------------------------------------------------


def _on_the_page(moves: int) -> dict[str, float] | None:
    """Milliseconds from a key to the picture, and the drawings of a burst.

    None where there is no browser.
    """
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    import lab

    try:
        import playwright  # noqa: F401
    except ImportError:
        return None
    if lab.chromium_path() is None:
        return None
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        lab.jupyter_lab(Path(folder)) as address,
        lab.chromium() as browser,
    ):
        page = lab.open_notebook(browser, address, Path(folder), "latency", [CELL])
        lab.wait_for_plot(page)
        page.wait_for_selector(".gsmflow .card img")
        page.emulate_media(reduced_motion="no-preference")
        page.evaluate(LISTEN)
        times = []
        gaps = []  # between two pictures of a glide
        for group, label in (("Shifts", "Variance"), ("Generator", "Temperature")):
            _open_group(page, group)
            _handle(page, label).focus()
            for _ in range(moves):
                pressed = page.evaluate(PRESS, 1)
                times.append(pressed["last"])
                gaps += pressed["gaps"]
                page.wait_for_timeout(300)  # the meters of this move are shown before the next
        _open_group(page, "Share")
        page.locator(".gsmflow button.jupyter-button", has_text="Reset").click()
        page.wait_for_timeout(2000)
        _open_group(page, "Shifts")
        _handle(page, "Semantic").focus()
        burst = page.evaluate(PRESS, BURST)
        page.close()
    return {
        **_summary(times),
        "pictures_a_second": 1000 * len(gaps) / sum(gaps),
        "gaps": _summary(gaps),
        "burst": BURST,
        "draws": burst["draws"],
        "pressing_ms": burst["pressing"],
        "after_ms": burst["last"],
    }


def _open_group(page, title: str) -> None:
    page.locator(".gsmflow .tabs button", has_text=title).click()
    page.wait_for_timeout(500)


def _handle(page, label: str):
    """What a keyboard moves of the slider with this label."""
    slider = page.locator(".gsmflow .widget-slider", has=page.get_by_text(label, exact=True))
    return slider.locator(".noUi-handle")


# The synthesized points of the linear lens are plotly's third trace. A press is answered when they
# were drawn anew and no other drawing follows for a second. What is drawn after that without plotly
# are pictures of a glide: the first of them in the same turn of the page, so only it is seen.
LISTEN = """() => {
  const plot = document.querySelector(".gsmflow .js-plotly-plot");
  window.draws = [];
  window.pictures = [];
  let seen = plot._fullData[2].x;
  const watch = () => {
    const scene = plot._fullLayout._plots.xy._scene;
    if (scene.watched) return;
    scene.watched = true;
    const { draw } = scene;
    scene.draw = function () {
      window.pictures.push(performance.now());
      return draw.apply(this, arguments);
    };
  };
  watch();
  plot.on("plotly_afterplot", watch);
  plot.on("plotly_afterplot", () => {
    if (plot._fullData[2].x === seen) return;
    seen = plot._fullData[2].x;
    window.draws.push(performance.now());
  });
}"""
PRESS = """async (times) => {
  window.draws = [];
  window.pictures = [];
  const key = { key: "ArrowRight", code: "ArrowRight", keyCode: 39, which: 39 };
  const options = { ...key, bubbles: true, cancelable: true };
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const started = performance.now();
  let pressed = started;
  for (let i = 0; i < times; i++) {
    pressed = performance.now();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
    if (times > 1) await wait(33);  // as a held key repeats
  }
  const pause = times > 1 ? 2000 : 600;
  const quiet = () => performance.now() - (window.draws.at(-1) ?? performance.now()) > pause;
  while (!quiet() && performance.now() - started < 60000) await wait(20);
  const last = (window.draws.at(-1) ?? NaN) - pressed;
  const glide = window.pictures.filter((time) => time <= window.draws.at(-1) + 500);
  const gaps = glide.slice(1).map((time, i) => time - glide[i]).filter((gap) => gap > 8);
  return { draws: window.draws.length, pressing: pressed - started, last, gaps };
}"""


# --- Words ----------------------------------------------------------------------------------------


def _summary(times: list[float]) -> dict[str, float]:
    return {
        "median": float(np.median(times)),
        "p95": float(np.quantile(times, 0.95)),
        "worst": max(times),
    }


def _three(times: dict[str, float]) -> str:
    return f"{times['median']:.0f} / {times['p95']:.0f} / {times['worst']:.0f} ms"


def _table(result: dict[str, Any]) -> str:
    kernel = result["kernel"]
    naive = result["naive"]
    page = result["page"]
    rows = [
        (
            f"slider to figure in the kernel, {kernel['real']} + {kernel['synthesized']} points, "
            "median / 95 % / worst",
            _three(kernel),
        ),
        (
            f"the same with UMAP refitted, {naive['points']} points",
            f"{naive['seconds']:.1f} s, {result['ratio']:.0f} times as long",
        ),
    ]
    if page is not None:
        rows += [
            ("key to picture, software rendering, median / 95 % / worst", _three(page)),
            (
                "gliding, software rendering: pictures a second; between two of them, "
                "median / 95 % / worst",
                f"{page['pictures_a_second']:.0f}; {_three(page['gaps'])}",
            ),
            (
                f"{page['burst']} keys within {page['pressing_ms'] / 1000:.1f} s: "
                "drawings; from the last key to its picture",
                f"{page['draws']}; {page['after_ms']:.0f} ms",
            ),
        ]
    for name, seconds in result["start"].items():
        rows.append((name, ", ".join(f"{one:.2f}" for one in np.atleast_1d(seconds))))
    return "\n".join(
        ["| what | how long |", "|---|---|", *(f"| {what} | {how} |" for what, how in rows)]
    )


if __name__ == "__main__":
    main()
