// A live figure of plotly for a page that is slow.
//
// anywidget gives a model two seconds to begin, and drops every message to one that takes longer.
// So a plotly that loads slowly would leave the figure empty for ever. This model begins at once,
// keeps the messages that come while plotly loads, and says them again. And plotly is loaded once
// the figure is shown and the page rests: before that it would hold up other models of the panel.
//
// plotly fits a figure to its place only when the window changes, not when the place does: when a
// file browser opens beside it, for instance. This view watches its place and tells plotly.

const MESSAGES = [
  "addTraces",
  "deleteTraces",
  "moveTraces",
  "restyle",
  "relayout",
  "update",
  "animate",
  "removeLayoutProps",
  "removeTraceProps",
].map((name) => `_py2js_${name}`);

// Loads plotly once a page, however many figures there are.
function plotly(model) {
  const key = `plotly ${model.get("_plotly_version")}`;
  if (!globalThis[key]) {
    const script = new Blob([model.get("_plotly")], { type: "text/javascript" });
    globalThis[key] = import(URL.createObjectURL(script));
  }
  return globalThis[key];
}

// When the page has nothing else to do, or after a second. Safari does not know when that is.
function idle() {
  return new Promise((done) => {
    if (globalThis.requestIdleCallback) requestIdleCallback(done, { timeout: 1000 });
    else setTimeout(done, 100);
  });
}

async function begin(model, shown) {
  const missed = [];
  const listeners = MESSAGES.map((name) => {
    const keep = () => model.get(name) && missed.push([name, model.get(name)]);
    return [`change:${name}`, keep];
  });
  listeners.forEach(([event, keep]) => model.on(event, keep));
  await shown;
  await idle();
  const figure = (await plotly(model)).default();
  listeners.forEach(([event, keep]) => model.off(event, keep));

  // plotly draws twice as fine by itself, also where the screen is not: four times the work.
  model.get("_config").plotGlPixelRatio = Math.min(2, Math.max(1, devicePixelRatio));
  figure.initialize({ model });
  for (const [name, message] of missed) {
    model.set(name, message);
    model.set(name, null);
  }
  return figure;
}

export default () => {
  let figure;
  let show;
  const shown = new Promise((done) => (show = done));
  return {
    initialize({ model }) {
      figure = begin(model, shown);
    },
    async render(view) {
      show();
      const close = await (await figure).render(view);
      const observer = new ResizeObserver(() => window.dispatchEvent(new Event("resize")));
      observer.observe(view.el);
      const rest = glides(view.el);
      return () => {
        observer.disconnect();
        rest();
        close?.();
      };
    },
  };
};
