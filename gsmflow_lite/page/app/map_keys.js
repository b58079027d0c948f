// What keys do on a lens: from point to point, mark, zoom.

const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const NEARER = 1.5;
const ASIDE = 2; // what lies aside counts this many times

// `acts` has walk(weigh), mark(), zoom(times), reset() and escape().
export function listenToKeys(canvas, acts) {
  const others = {
    "+": () => acts.zoom(NEARER),
    "-": () => acts.zoom(1 / NEARER),
    0: acts.reset,
    Escape: acts.escape,
    Enter: acts.mark,
    " ": acts.mark,
  };
  canvas.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    const act = arrow ? () => acts.walk(weigherTo(...arrow)) : others[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

// How far a point is that lies so far to the right and down, for who looks into one direction.
export function weigherTo(right, down) {
  return (across, along) => {
    const ahead = across * right + along * down;
    const aside = Math.abs(across * down) + Math.abs(along * right);
    return ahead > 0.5 && aside <= 2 * ahead ? ahead + ASIDE * aside : Infinity;
  };
}
