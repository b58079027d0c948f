// Shows what each control is for where one points at it.
//
// ipywidgets shows the tooltip of a switch, a list or a field only where it has no label, and that
// of a slider at its label alone. So the texts are written here, by the class of each control.

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
