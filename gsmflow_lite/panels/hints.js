// Shows what each control is for where one points at it, and names what has no name of its own.
//
// ipywidgets shows the tooltip of a switch, a list or a field only where it has no label, and that
// of a slider at its label alone. So the texts are written here, by the class of each control.

const ICONS = { play: "Play", pause: "Pause", stop: "Stop", retweet: "Repeat" };

// The handle of a slider and the buttons of Play carry no name that a screen reader could say.
function nameParts(root) {
  for (const handle of root.querySelectorAll(".noUi-handle")) {
    const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
    if (label?.textContent) handle.ariaLabel = label.textContent;
  }
  for (const icon of root.querySelectorAll(".widget-play button i, .jupyter-button i:only-child")) {
    const button = icon.closest("button");
    const name = Object.keys(ICONS).find((one) => icon.classList.contains(`fa-${one}`));
    if (name && !button.textContent.trim()) button.ariaLabel = ICONS[name];
  }
}

export default {
  render({ model, el }) {
    el.style.display = "none";
    let root;

    function write() {
      root ??= el.closest(".gsmflow");
      for (const [name, text] of Object.entries(model.get("texts"))) {
        for (const one of root?.getElementsByClassName(name) ?? []) {
          for (const part of [one, ...one.querySelectorAll("[title]")]) part.title = text;
        }
      }
      if (root) nameParts(root);
      // Notebook 7 takes the arrow keys for its own, to walk from heading to heading.
      for (const handle of root?.getElementsByClassName("noUi-handle") ?? []) {
        handle.dataset.lmSuppressShortcuts = "true";
      }
    }

    // Views come to the page one by one, after this one.
    const observer = new MutationObserver(write);
    const watch = () => {
      root = el.closest(".gsmflow");
      if (!root) return requestAnimationFrame(watch);
      write();
      observer.observe(root, { childList: true, subtree: true });
    };
    const waiting = requestAnimationFrame(watch);
    model.on("change:texts", write);
    return () => {
      cancelAnimationFrame(waiting);
      observer.disconnect();
      model.off("change:texts", write);
    };
  },
};
