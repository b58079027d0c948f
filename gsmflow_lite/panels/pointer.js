// Shows what a point of the map is, beside the point that the pointer rests on.
//
// plotly's own tooltip is off: there is one, and it has a picture. It is put into the page's body,
// for a frame that scrolls would cut it off.

const FREE = 16; // pixels between the point and the tooltip
const EDGE = 6; // pixels to the edge of the window
const LATER = 700; // milliseconds
const TWICE = 450; // milliseconds in which two clicks are a double one

const LOOK = {
  position: "fixed",
  zIndex: 10000,
  display: "none",
  pointerEvents: "none",
  boxSizing: "border-box",
  maxWidth: "300px",
  padding: "6px 9px",
  borderRadius: "4px",
  border: "1px solid var(--jp-border-color1, var(--vscode-editorWidget-border, #7f7f7f))",
  background: "var(--jp-layout-color1, var(--vscode-editorWidget-background, #fff))",
  color: "var(--jp-ui-font-color1, var(--vscode-editorWidget-foreground, #262626))",
  font: "13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif)",
  boxShadow: "0 2px 8px rgba(0, 0, 0, 0.35)",
};

// The text of a point as nodes: bold words and ends of lines; any other markup becomes its words.
function words(markup) {
  const parsed = new DOMParser().parseFromString(markup, "text/html").body;
  const copy = (from, to) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
      else if (node.nodeName === "BR") to.append(document.createElement("br"));
      else copy(node, node.nodeName === "B" ? to.appendChild(document.createElement("b")) : to);
    }
  };
  const found = document.createDocumentFragment();
  copy(parsed, found);
  return found;
}

// Where a box of this size stands: below and to the right of a point, or on the other sides of it
// where the window ends. It never covers the point.
function beside(x, y, wide, high) {
  const fitsRight = x + FREE + wide + EDGE <= innerWidth;
  const fitsLeft = x - FREE - wide - EDGE >= 0;
  let left = fitsRight ? x + FREE : x - FREE - wide;
  if (!fitsRight && !fitsLeft) left = Math.max(EDGE, innerWidth - EDGE - wide);
  const below = y + FREE + high + EDGE <= innerHeight;
  let top = below ? y + FREE : y - FREE - high;
  if (top < EDGE && (fitsRight || fitsLeft)) top = EDGE; // it is at the side of the point
  return [left, top];
}

export default {
  render({ model, el }) {
    el.style.display = "none";
    const box = document.createElement("div");
    box.className = "gsmflow-pointer";
    box.setAttribute("role", "tooltip");
    Object.assign(box.style, LOOK);
    document.body.append(box);

    let at; // the point that is pointed at: its key, its text, and where it is in the window
    let telling; // what waits to be told of a lasso
    let clicked = { name: "", when: 0 };

    function draw() {
      if (!at) {
        box.style.display = "none";
        return;
      }
      if (model.get("about") === at.key) box.innerHTML = model.get("content");
      else box.replaceChildren(words(at.text));
      for (const image of box.querySelectorAll("img")) {
        Object.assign(image.style, { imageRendering: "pixelated", background: "#fff" });
      }
      box.style.display = "block";
      const [left, top] = beside(at.x, at.y, box.offsetWidth, box.offsetHeight);
      Object.assign(box.style, { left: `${left}px`, top: `${top}px` });
    }

    const away = () => {
      at = undefined;
      draw();
    };
    const escape = (event) => event.key === "Escape" && away();
    const presses = (event) => event.buttons && away();

    function hovered(plot, event) {
      const [point] = event.points ?? [];
      const kind = point?.data?.name;
      if (typeof kind !== "string" || event.event?.buttons) return;
      const frame = plot.getBoundingClientRect();
      at = {
        key: `${kind} ${point.customdata}`,
        text: String(point.text ?? ""),
        x: frame.x + point.xaxis._offset + point.xaxis.l2p(point.x),
        y: frame.y + point.yaxis._offset + point.yaxis.l2p(point.y),
      };
      draw();
    }

    function named(event) {
      const name = String(event.annotation?.name ?? "");
      const now = performance.now();
      if (name && name === clicked.name && now - clicked.when < TWICE) {
        model.send({ alone: name });
        clicked = { name: "", when: 0 };
      } else clicked = { name, when: now };
    }

    // What a lasso or box has found: the numbers of points by the number of their trace. It is told
    // once more after a while, for plotly's own message may be lost.
    function lassoed(event) {
      if (!event?.lassoPoints && !event?.range) return; // the outline of one was taken away
      const inside = {};
      for (const { curveNumber, pointNumber } of event.points) {
        (inside[curveNumber] ??= []).push(pointNumber);
      }
      clearTimeout(telling);
      telling = setTimeout(() => model.send({ inside }), LATER);
    }

    function cleared() {
      clearTimeout(telling);
      model.send({ cleared: true });
    }

    // The figure is drawn after this, and anew where its output is moved.
    const followed = new Map();
    function follow() {
      const root = el.closest(".gsmflow");
      for (const plot of root?.querySelectorAll(".map .js-plotly-plot, .map.js-plotly-plot") ?? []) {
        if (followed.has(plot) || !plot.on) continue;
        const events = {
          plotly_hover: (event) => hovered(plot, event),
          plotly_unhover: away,
          plotly_clickannotation: named,
          plotly_selected: lassoed,
          plotly_deselect: cleared,
        };
        for (const [name, act] of Object.entries(events)) plot.on(name, act);
        plot.addEventListener("mouseleave", away);
        plot.addEventListener("mousedown", away);
        plot.addEventListener("mousemove", presses);
        followed.set(plot, events);
      }
    }

    function leave() {
      for (const [plot, events] of followed) {
        for (const [name, act] of Object.entries(events)) plot.removeListener?.(name, act);
        plot.removeEventListener("mouseleave", away);
        plot.removeEventListener("mousedown", away);
        plot.removeEventListener("mousemove", presses);
      }
    }

    const observer = new MutationObserver(follow);
    let waiting;
    const watch = () => {
      const root = el.closest(".gsmflow");
      if (!root) {
        waiting = requestAnimationFrame(watch);
        return;
      }
      follow();
      observer.observe(root, { childList: true, subtree: true });
    };
    watch();
    model.on("change:about change:content", draw);
    document.addEventListener("keydown", escape);
    window.addEventListener("scroll", away, true);
    return () => {
      cancelAnimationFrame(waiting);
      observer.disconnect();
      leave();
      model.off("change:about change:content", draw);
      document.removeEventListener("keydown", escape);
      window.removeEventListener("scroll", away, true);
      box.remove();
    };
  },
};
