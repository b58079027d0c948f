// A button that gives a panel the whole screen, for a lecture. Escape or the button end it.
//
// panel.css says what is seen then, by the class `present`. Where a page may not take the screen,
// as inside a frame of another program, the panel fills the window instead.

export default {
  render({ el }) {
    const button = document.createElement("button");
    button.className = "jupyter-widgets jupyter-button widget-button";
    button.textContent = "Present";
    button.title = "This panel alone, in large type; Escape ends it";
    button.setAttribute("aria-pressed", "false");
    el.append(button);

    function show(on) {
      const panel = el.closest(".gsmflow");
      panel?.classList.toggle("present", on);
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? "Leave" : "Present";
      window.dispatchEvent(new Event("resize")); // plotly fits its figures anew
    }

    async function press() {
      const panel = el.closest(".gsmflow");
      if (!panel) return;
      if (panel.classList.contains("present")) {
        if (document.fullscreenElement) await document.exitFullscreen();
        show(false);
        return;
      }
      show(true);
      await panel.requestFullscreen?.().catch(() => {});
    }

    const left = () => document.fullscreenElement || show(false);
    function escape(event) {
      if (event.key !== "Escape") return;
      show(false);
      if (document.fullscreenElement) document.exitFullscreen();
    }
    button.addEventListener("click", press);
    document.addEventListener("fullscreenchange", left);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("fullscreenchange", left);
      document.removeEventListener("keydown", escape);
    };
  },
};
