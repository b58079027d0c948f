// Tabs: one of several places is open. Arrow keys go from tab to tab, as everywhere.

import { make } from "./dom.js";

// `parts` = [{key, text, place}]; the tabs come first in `element`, the places after them.
export function tabs({ label, parts, open, onOpen }) {
  const list = make("div", { role: "tablist", "aria-label": label, class: "tabs" });
  const heads = new Map();
  for (const { key, text, place } of parts) {
    place.id ||= `part-${key}`;
    place.setAttribute("role", "tabpanel");
    const head = make("button", { type: "button", role: "tab", id: `tab-${key}` }, text);
    head.setAttribute("aria-controls", place.id);
    place.setAttribute("aria-labelledby", head.id);
    head.addEventListener("click", () => show(key, true));
    heads.set(key, { head, place });
    list.append(head);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const keys = [...heads.keys()];
    const now = keys.findIndex((key) => heads.get(key).head === document.activeElement);
    const next = keys[(now + step + keys.length) % keys.length];
    show(next, true);
    heads.get(next).head.focus();
    event.preventDefault();
  });

  function show(key, tell = false) {
    for (const [one, { head, place }] of heads) {
      head.setAttribute("aria-selected", one === key);
      head.tabIndex = one === key ? 0 : -1;
      place.hidden = one !== key;
    }
    if (tell) onOpen?.(key);
  }
  show(open);
  return { list, show };
}
