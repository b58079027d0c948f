// How the page stands: one plain object. All of it is in the address, so that a link opens it.

export const DONE = 4; // the story is over after its last step
const DOSES = { variance: [-1, 1], semantic: [0, 2], structure: [0, 2] }; // their ranges
const MOST_SEED = 99;
const MOST_TEMPERATURE = 1.5;

// What is not in an address. A page that is opened without one begins with the story.
export function startState(world = 0) {
  return {
    world,
    flow: 0,
    from: "",
    changes: {},
    temperature: 1, // less is a variance collapse, which the meters would tell
    seed: 0,
    variance: 0,
    semantic: 0,
    structure: 0,
    sweep: "",
    lens: "pca",
    story: 0,
    quiz: null,
    hints: [], // of the quiz, that were taken; a link opens it without
    selected: "",
  };
}

// The state, and who is told of its changes. `change` takes what is to be different.
export function startStore(first) {
  const state = first;
  const told = [];
  return {
    state,
    onChange: (tell) => told.push(tell),
    change(partial) {
      const changed = Object.keys(partial).filter((key) => partial[key] !== state[key]);
      if (!changed.length) return;
      Object.assign(state, partial);
      for (const tell of told) tell(state, changed);
    },
  };
}

// --- Address -------------------------------------------------------------------------------

export function writeAddress(state, worlds) {
  const usual = startState(state.world);
  const world = worlds[state.world];
  const parts = new URLSearchParams();
  const add = (key, value, usualValue) => value !== usualValue && parts.set(key, value);
  add("world", world.name, worlds[0].name);
  add("flow", world.flows[state.flow].key, world.flows[0].key);
  add("from", inAddress(world, state.from), "");
  for (const [name, value] of Object.entries(state.changes)) {
    parts.append("set", `${name}=${shortNumber(value)}`);
  }
  for (const key of ["temperature", "seed", "variance", "semantic", "structure"]) {
    add(key, shortNumber(state[key]), shortNumber(usual[key]));
  }
  add("sweep", state.sweep, "");
  add("lens", state.lens, "pca");
  if (state.quiz !== null) parts.set("quiz", state.quiz);
  add("class", inAddress(world, state.selected), "");
  if (state.story < DONE) add("story", state.story, parts.size ? -1 : 0);
  else if (!parts.size) parts.set("story", "done");
  return parts.toString();
}

// Addresses come from outside: what a page does not know is left out, numbers are clipped.
export function readAddress(text, worlds) {
  const parts = new URLSearchParams(text);
  const named = worlds.findIndex((world) => world.name === parts.get("world"));
  const state = startState(Math.max(0, named));
  const world = worlds[state.world];
  const flow = world.flows.findIndex((one) => one.key === parts.get("flow"));
  state.flow = Math.max(0, flow);
  state.from = classInAddress(world, parts.get("from"));
  state.selected = classInAddress(world, parts.get("class"));
  state.sweep = known(parts.get("sweep"), world.attributes.names);
  state.changes = readChanges(parts.getAll("set"), world.attributes.names);
  state.temperature = within(parts.get("temperature"), 0, MOST_TEMPERATURE, state.temperature);
  state.seed = Math.round(within(parts.get("seed"), 0, MOST_SEED, 0));
  for (const [key, [low, high]] of Object.entries(DOSES)) {
    state[key] = within(parts.get(key), low, high, 0);
  }
  state.lens = parts.get("lens") === "umap" ? "umap" : "pca";
  const quiz = within(parts.get("quiz"), 0, 1e6, null);
  state.quiz = quiz === null ? null : Math.round(quiz);
  state.story = parts.size ? Math.round(within(parts.get("story"), 0, DONE, DONE)) : 0;
  return state;
}

// Another machine may have more letters, so an address has the names of the data.
function inAddress(world, name) {
  const { names, inData = names } = world.classes;
  return inData[names.indexOf(name)] ?? "";
}

function classInAddress(world, name) {
  const { names, inData = names } = world.classes;
  return names[inData.indexOf(name)] ?? "";
}

function known(name, names) {
  return names.includes(name) ? name : "";
}

function readChanges(texts, names) {
  const changes = {};
  for (const text of texts) {
    const end = text.lastIndexOf("="); // a name may hold one itself
    const name = known(text.slice(0, end), names);
    const value = parseFloat(text.slice(end + 1));
    if (name && Number.isFinite(value)) changes[name] = value;
  }
  return changes;
}

function within(text, low, high, usual) {
  const number = parseFloat(text);
  return Number.isFinite(number) ? Math.min(high, Math.max(low, number)) : usual;
}

function shortNumber(value) {
  return String(Number(value.toPrecision(6)));
}
