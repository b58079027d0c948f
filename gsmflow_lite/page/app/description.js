// The description of a designed class: that of a real class with some attributes changed.
// The rules are those of gsmflow_lite.explorer.invention.describe.

export function startClass(world, fact, state) {
  const number = world.classes.names.indexOf(state.from);
  return number >= 0 ? number : examplePair(world, fact).target;
}

export function descriptionOf(world, fact, classNumber) {
  const width = world.attributes.names.length;
  return fact.attributes.slice(classNumber * width, (classNumber + 1) * width);
}

// An attribute in a group takes the place of the others there. Null if nothing is left to say.
export function designedDescription(world, fact, state) {
  const described = descriptionOf(world, fact, startClass(world, fact, state));
  const { names } = world.attributes;
  for (const [name, value] of Object.entries(state.changes)) {
    const k = names.indexOf(name);
    if (k < 0) continue;
    for (const other of othersOfGroup(world, k)) described[other] = fact.low[other];
    described[k] = Math.min(fact.high[k], Math.max(fact.low[k], value));
  }
  return described.some((value) => value !== 0) ? described : null;
}

function othersOfGroup(world, k) {
  const groups = Object.values(world.attributes.groups ?? {});
  return (groups.find((numbers) => numbers.includes(k)) ?? []).filter((other) => other !== k);
}

// The class whose description is nearest, and in how many attributes it differs.
// Differences count in units of what is usual in the data; `allowed` says which classes may be it.
export function nearestClass(world, fact, described, allowed = () => true) {
  const width = described.length;
  let best = { classNumber: -1, far: Infinity, differs: [] };
  for (let k = 0; k < world.classes.names.length; k++) {
    if (!allowed(k)) continue;
    let far = 0;
    for (let a = 0; a < width; a++) {
      const length = fact.high[a] - fact.low[a] || 1;
      far += ((described[a] - fact.attributes[k * width + a]) / length) ** 2;
    }
    if (far < best.far) best = { classNumber: k, far };
  }
  if (best.classNumber < 0) return best;
  const other = descriptionOf(world, fact, best.classNumber);
  const same = (a) => Math.abs(described[a] - other[a]) <= 1e-4 * (fact.high[a] - fact.low[a] || 1);
  best.differs = [...described.keys()].filter((a) => !same(a));
  return best;
}

// Menus instead of sliders: every attribute is in a group of which a class has exactly one.
export function isMadeOfParts(world) {
  const groups = Object.values(world.attributes.groups ?? {});
  const grouped = groups.reduce((sum, numbers) => sum + numbers.length, 0);
  return grouped > 0 && grouped === world.attributes.names.length;
}

// The attribute of each group that a description has most of.
export function partsOf(world, described) {
  const parts = {};
  for (const [group, numbers] of Object.entries(world.attributes.groups)) {
    parts[group] = numbers.reduce((best, k) => (described[k] > described[best] ? k : best));
  }
  return parts;
}

const examples = new WeakMap(); // by world: found once

// The class to begin with: the unseen one that is least like what the flow has seen, and the seen
// class that it is most like all the same.
export function examplePair(world, fact) {
  if (!examples.has(world)) examples.set(world, foundPair(world, fact));
  return examples.get(world);
}

function foundPair(world, fact) {
  const { chosen, seen } = world.classes;
  let best = { target: chosen[0], known: chosen[0], far: -1 };
  for (const target of chosen.filter((k) => !seen[k])) {
    const described = descriptionOf(world, fact, target);
    const near = nearestClass(world, fact, described, (k) => seen[k]);
    const found = near.classNumber >= 0 && near.far > best.far;
    if (found) best = { target, known: near.classNumber, far: near.far };
  }
  return best;
}
