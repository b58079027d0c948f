// Makes elements. What is put into them is always text, never markup: names come from files.

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function setProperty(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (value === true) element.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) {
    element.setAttribute(name, value);
  }
}

export function button(text, press, properties = {}) {
  return make("button", { type: "button", onclick: press, ...properties }, text);
}

// An explanation behind a question mark: seen while one points at it or has it pressed.
export function helped(element, text) {
  const leave = (event) => event.key === "Escape" && event.currentTarget.blur();
  const sign = make("span", { "aria-hidden": "true" }, "?");
  const mark = { type: "button", class: "help-mark", "aria-label": text, onkeydown: leave };
  const words = make("span", { class: "help-text", "aria-hidden": "true" }, text);
  element.classList.add("helped");
  element.append(make("span", { class: "help" }, make("button", mark, sign), words));
  return element;
}

let madeSliders = 0;

// A slider with its label and its value; `set` moves it without telling anybody.
export function slider({ label, low, high, step = "any", value, say = rounded, onInput }) {
  const id = `slider-${++madeSliders}`;
  const input = make("input", { type: "range", id, min: low, max: high, step });
  const output = make("output", { for: id });
  const name = make("label", { for: id }, label);
  const element = make("div", { class: "slider" }, name, output, input);

  function show(number) {
    output.textContent = say(number);
    input.setAttribute("aria-valuetext", say(number));
    const share = high > low ? (number - low) / (high - low) : 0;
    input.style.setProperty("--share", `${100 * share}%`);
  }
  function set(number) {
    if (Number(input.value) !== number) input.value = number;
    show(number);
  }
  input.addEventListener("input", () => {
    show(Number(input.value));
    onInput(Number(input.value));
  });
  set(value);
  return { element, input, name, set };
}

function rounded(number) {
  return String(Math.round(100 * number) / 100);
}

// A menu of [value, text] pairs, or of {label, options} for groups of them.
export function menu({ label, options, value, onPick }) {
  const id = `menu-${++madeSliders}`;
  const pick = () => onPick(select.value);
  const select = make("select", { id, onchange: pick });
  fillMenu(select, options);
  select.value = value;
  const element = make("div", { class: "menu" }, make("label", { for: id }, label), select);
  return { element, select };
}

export function fillMenu(select, options) {
  select.replaceChildren(...options.map(menuPart));
}

function menuPart(part) {
  if (Array.isArray(part)) return make("option", { value: part[0] }, part[1]);
  return make("optgroup", { label: part.label }, ...part.options.map(menuPart));
}

// Underscores are for files; people read spaces.
export function readable(name) {
  return name.replaceAll("_", " ");
}
