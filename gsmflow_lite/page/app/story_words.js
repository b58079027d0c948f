// Which classes the story is about, and what it calls them.

import { examplePair } from "./description.js";

export function storyWords(app) {
  const { classes, attributes, features } = app.world();
  const { target, known } = examplePair(app.world(), app.fact());
  return {
    thing: sayOfWorld(app, "thing"),
    things: sayOfWorld(app, "things"),
    numbers: features,
    target: classes.names[target],
    known: classes.names[known],
    seen: classes.seen.filter(Boolean).length,
    lines: attributes.names.length,
  };
}

// A text may have a variant for data of one name, and is general for all others.
export function sayOfWorld(app, key, words) {
  const own = `${key}.${app.world().name}`;
  const text = app.say(own, words);
  return text === own ? app.say(key, words) : text;
}
