// What hands do on a lens: point, press, drag, pinch, turn the wheel.
//
// It tells `acts` in pixels of the canvas: over(x, y), away(), press(x, y, byTouch),
// drag(right, down), zoom(x, y, times), outline(points) while an outline is drawn, and
// enclose(points) when it is done. `tool()` is "point", "lasso" or "box".

const STILL = 5; // pixels that a finger moves in a press
const WHEEL = 0.0016; // of a doubling for each step of a wheel
const BESIDE = 2.5; // pixels from one point of a lasso to the next

export function listenTo(canvas, tool, acts) {
  const fingers = new Map(); // by pointer: [x, y] now
  let start = null; // where the only finger came down
  let outline = null;
  let dragging = false;

  function at(event) {
    const frame = canvas.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  function down(event) {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    dragging = fingers.size > 1;
    start = fingers.size === 1 ? at(event) : null;
    outline = start && tool() !== "point" ? [start] : null;
    if (!outline) acts.outline(null);
  }

  function move(event) {
    const here = at(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse" && tool() === "point") acts.over(...here);
      return;
    }
    if (fingers.size === 2) pinch(event.pointerId, before, here);
    else if (outline) draw(here);
    else drag(before, here);
    fingers.set(event.pointerId, here);
  }

  function pinch(moved, before, here) {
    const [other] = [...fingers].filter(([id]) => id !== moved).map(([, place]) => place);
    const middle = [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2];
    acts.zoom(...middle, apart(here, other) / Math.max(1, apart(before, other)));
    acts.drag((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
  }

  function draw(here) {
    if (tool() === "box") {
      const [[left, top]] = outline;
      outline = [[left, top], [here[0], top], here, [left, here[1]]];
    } else if (apart(here, outline.at(-1)) > BESIDE) outline.push(here);
    dragging = dragging || apart(here, start) > STILL;
    acts.outline(outline);
  }

  function drag(before, here) {
    if (!start || (!dragging && apart(here, start) <= STILL)) return;
    dragging = true;
    acts.away();
    acts.drag(here[0] - before[0], here[1] - before[1]);
  }

  function up(event) {
    if (!fingers.delete(event.pointerId)) return;
    const drawn = outline;
    outline = null;
    acts.outline(null);
    if (fingers.size) return;
    if (drawn && dragging) acts.enclose(drawn);
    else if (!dragging && start) acts.press(...at(event), event.pointerType !== "mouse");
    start = null;
    dragging = false;
  }

  function cancel(event) {
    fingers.delete(event.pointerId);
    outline = start = null;
    dragging = false;
    acts.outline(null);
  }

  function wheel(event) {
    const lines = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY;
    if (acts.zoom(...at(event), 2 ** (-lines * WHEEL)) !== false) event.preventDefault();
  }

  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", cancel);
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && acts.away());
  canvas.addEventListener("wheel", wheel, { passive: false });
}

function apart(some, other) {
  return Math.hypot(some[0] - other[0], some[1] - other[1]);
}
