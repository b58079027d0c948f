// The story: four short steps for who knows nothing, each with one thing to move and the picture
// that answers it. It can be left at once and begun again.

import { button, make } from "./dom.js";
import { DONE } from "./state.js";
import { STORY_STEPS } from "./story_steps.js";
import { sayOfWorld, storyWords } from "./story_words.js";

export function showStory(place, app) {
  place.setAttribute("aria-label", app.say("story.name"));
  place.tabIndex = -1;

  function show() {
    const number = app.state.story;
    if (number >= DONE) {
      place.replaceChildren();
      return;
    }
    const figure = make("div", { class: "story-figure" });
    const control = make("div", { class: "story-control" });
    const heading = make("h2", { tabindex: -1 }, app.say(`story.${number + 1}.title`));
    const words = storyWords(app);
    const body = [1, 2].map((i) => {
      return make("p", {}, sayOfWorld(app, `story.${number + 1}.text${i}`, words));
    });
    const text = make(
      "div",
      { class: "story-text" },
      make("p", { class: "eyebrow" }, app.say("story.step", { number: number + 1, count: DONE })),
      heading,
      ...body,
    );
    place.replaceChildren(make("div", { class: "story-page" }, text, figure, control), ways(app));
    STORY_STEPS[number](figure, control, app);
    return heading;
  }

  app.onChange((_, changed) => {
    if (!changed.includes("story") && !changed.includes("world")) return;
    const heading = show();
    heading?.focus();
    if (app.state.story >= DONE && changed.includes("story")) window.scrollTo(0, 0);
  });
  show();
}

// Back, on, and out.
function ways(app) {
  const number = app.state.story;
  const go = (step) => app.change({ story: step });
  const back = button(app.say("story.back"), () => go(number - 1), { disabled: number === 0 });
  const last = number === DONE - 1;
  const key = last ? "story.now" : "story.next";
  const next = button(app.say(key), () => go(number + 1), { class: "primary" });
  const skip = button(app.say("story.skip"), () => go(DONE), { class: "text", hidden: last });
  const dots = Array.from({ length: DONE }, (_, i) => {
    return make("span", { class: i === number ? "dot now" : "dot" });
  });
  const marks = make("span", { class: "dots", "aria-hidden": "true" }, ...dots);
  return make("div", { class: "story-ways" }, skip, marks, back, next);
}
