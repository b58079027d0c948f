// A live figure of plotly's for a page that is slow. anywidget gives a model two seconds to begin, and drops all that it is told
// later: a plotly that takes longer to load would leave the figure empty for ever. This one begins at once and says it again.
// And plotly fits a figure to its place when the window changes only, not when the place does: beside a file browser that opens.

const SAID = ["addTraces", "deleteTraces", "moveTraces", "restyle", "relayout", "update", "animate", "removeLayoutProps",
  "removeTraceProps"].map((name) => `_py2js_${name}`);

// Loaded once a page, however many figures it has.
function plotly(model) {
  const key = `plotly ${model.get("_plotly_version")}`;
  globalThis[key] ??= import(URL.createObjectURL(new Blob([model.get("_plotly")], { type: "text/javascript" })));
  return globalThis[key];
}

async function begin(model) {
  const missed = [];
  const listeners = SAID.map((name) => [`change:${name}`, () => model.get(name) && missed.push([name, model.get(name)])]);
  listeners.forEach(([event, hear]) => model.on(event, hear));
  const figure = (await plotly(model)).default();
  listeners.forEach(([event, hear]) => model.off(event, hear));
  figure.initialize({ model });
  for (const [name, said] of missed) {
    model.set(name, said);
    model.set(name, null);
  }
  return figure;
}

export default () => {
  let figure;
  return {
    initialize({ model }) {
      figure = begin(model);
    },
    async render(view) {
      const gone = await (await figure).render(view);
      const observer = new ResizeObserver(() => window.dispatchEvent(new Event("resize")));
      observer.observe(view.el);
      return () => {
        observer.disconnect();
        gone?.();
      };
    },
  };
};
