// The legend of a map: a button for each layer and each class.

const WAIT = 260; // milliseconds in which a second click makes a double one

const BUTTON = {
  display: "inline-flex",
  alignItems: "center",
  gap: "5px",
  maxWidth: "13em",
  padding: "1px 7px",
  border: "1px solid transparent",
  borderRadius: "9px",
  background: "none",
  color: "inherit",
  font: "inherit",
  cursor: "pointer",
  whiteSpace: "nowrap",
};

function made(kind, style, text = "") {
  const node = document.createElement(kind);
  Object.assign(node.style, style);
  node.textContent = text;
  return node;
}

export default {
  render({ model, el }) {
    Object.assign(el.style, {
      display: "flex",
      flexFlow: "row wrap",
      alignItems: "center",
      gap: "0 2px",
      maxHeight: "5em", // three lines
      overflow: "auto",
      font: "13px/1.5 var(--jp-ui-font-family, system-ui, sans-serif)",
    });
    el.setAttribute("role", "group");
    el.setAttribute("aria-label", "legend of the map");

    function toggle(name) {
      const hidden = model.get("value");
      const without = hidden.filter((one) => one !== name);
      model.set("value", without.length < hidden.length ? without : [...hidden, name]);
      model.save_changes();
    }

    function button(name, text, sign, colour, isClass) {
      const shown = !model.get("value").includes(name);
      const one = made("button", BUTTON);
      one.type = "button";
      one.dataset.name = name;
      one.setAttribute("aria-pressed", String(shown));
      const more = "; double click or Shift and Enter: alone, or all again";
      one.title = `${text}: click to ${shown ? "hide" : "show"}${isClass ? more : ""}`;
      const mark = made("span", { color: colour, fontSize: "15px" }, sign);
      mark.setAttribute("aria-hidden", "true");
      const word = made("span", { overflow: "hidden", textOverflow: "ellipsis" }, text);
      if (!shown) {
        word.style.textDecoration = "line-through";
        mark.style.visibility = "hidden";
      }
      one.append(mark, word);

      let waiting;
      one.addEventListener("click", (event) => {
        clearTimeout(waiting);
        if (event.detail > 1) return;
        if (!isClass || event.detail === 0) toggle(name); // by key there is no second click
        else waiting = setTimeout(() => toggle(name), WAIT);
      });
      if (isClass) {
        one.addEventListener("dblclick", () => model.send({ alone: name }));
        one.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" || !event.shiftKey) return;
          event.preventDefault();
          model.send({ alone: name });
        });
      }
      return one;
    }

    function ramp({ text, low, high, ramp }) {
      const line = made("span", { display: "inline-flex", alignItems: "center", gap: "5px" });
      const bar = made("span", {
        width: "110px",
        height: "10px",
        background: `linear-gradient(to right, ${ramp.join(", ")})`,
      });
      bar.setAttribute("aria-hidden", "true");
      line.style.marginLeft = "8px";
      line.append(made("span", {}, `${text}:`), made("span", {}, low), bar, made("span", {}, high));
      return line;
    }

    function draw() {
      const focused = el.contains(document.activeElement) ? document.activeElement : null;
      const name = focused?.dataset.name;
      const layers = model
        .get("layers")
        .map(({ name, text, sign }) => button(name, text, sign, "inherit", false));
      const classes = model
        .get("classes")
        .map(({ name, text, colour }) => button(name, text, "●", colour, true));
      const key = model.get("key");
      el.replaceChildren(...layers, ...classes, ...(key.text ? [ramp(key)] : []));
      [...el.children].find((one) => name && one.dataset.name === name)?.focus();
    }

    const events = "change:value change:layers change:classes change:key";
    draw();
    model.on(events, draw);
    return () => model.off(events, draw);
  },
};
