// Another class to begin with, at random: a wish of the moment, so it needs no seed.

export function anotherClass(app) {
  const { names } = app.world().classes;
  const next = app.startClass() + 1 + Math.floor(Math.random() * Math.max(1, names.length - 1));
  app.change({ from: names[next % names.length], changes: {} });
}
