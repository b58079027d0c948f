// Points that glide to where they are sent, instead of jumping there.
//
// Points are the same ones if there are as many of them, with the same labels. Others jump, as do
// all where a user asks for no motion.

const GLIDE = 250; // milliseconds

export function gliderOf(draw) {
  const ways = new Map(); // by kind of cloud: from where to where, in both lenses
  const seen = new Map(); // by kind of cloud: the points as they are drawn now
  let started = 0;
  let asked = 0;

  const wantsStill = () =>
    document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;

  function send(cloud) {
    const before = seen.get(cloud.kind);
    if (!before || wantsStill() || !samePoints(before.labels, cloud.labels)) {
      ways.delete(cloud.kind);
      seen.set(cloud.kind, { labels: cloud.labels, pca: cloud.pca, umap: cloud.umap });
      draw();
      return;
    }
    ways.set(cloud.kind, { from: before, to: cloud });
    for (const [kind, way] of ways) way.from = seen.get(kind);
    started = performance.now();
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(step);
  }

  function step(now) {
    const time = Math.min(1, Math.max(0, now - started) / GLIDE);
    const share = 1 - (1 - time) ** 3; // fast at first
    for (const [kind, { from, to }] of ways) {
      const done = time === 1;
      const places = (lens) => (done ? to[lens] : onTheWay(from[lens], to[lens], share));
      seen.set(kind, { labels: to.labels, pca: places("pca"), umap: places("umap") });
    }
    if (time === 1) ways.clear();
    else asked = requestAnimationFrame(step);
    draw();
  }

  function forget(kind) {
    ways.delete(kind);
    seen.delete(kind);
  }

  return { send, forget, places: (kind, lens) => seen.get(kind)?.[lens] };
}

function samePoints(some, others) {
  return some.length === others.length && some.every((label, i) => label === others[i]);
}

function onTheWay(from, to, share) {
  return to.map((end, i) => from[i] + share * (end - from[i]));
}
