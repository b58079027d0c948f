// The quiz: one of the three drifts is at work, and map, pictures and meters are its hints.
//
// A quiz is a number, so a link opens the same one for everybody. What is hidden is hidden by the
// parts themselves, which look at `state.hints`.

import { button, make } from "./dom.js";
import { DRIFTS, sealedDrift } from "./sealed.js";
import { twoDigits } from "./meter_view.js";
import { startState } from "./state.js";

const HINTS = ["map", "pictures", "meters"];
const METRICS = { semantic: "agreement", variance: "spread", structure: "distance order" };
const MOST_QUIZ = 999;
const GIVEN_BACK = ["flow", "temperature", "variance", "semantic", "structure"]; // for after the quiz
const PLACES = { map: "map", pictures: "gallery", meters: "meters" }; // of the hints

export function showQuiz(place, app) {
  let guess = "";
  let before = {}; // how the page stood when the first quiz was opened

  const start = (number) => {
    if (app.state.quiz === null) {
      before = Object.fromEntries(GIVEN_BACK.map((key) => [key, app.state[key]]));
    }
    const rest = { hints: [], flow: 0, temperature: 1, variance: 0, semantic: 0, structure: 0 };
    app.change({ quiz: number, ...rest });
  };
  const leave = () => {
    const { temperature } = startState(app.state.world);
    app.change({ quiz: null, hints: [], temperature, ...before });
  };
  const hints = () => app.state.hints ?? [];
  const answered = () => hints().includes("answer");

  function closed() {
    const any = () => start(1 + Math.floor(Math.random() * MOST_QUIZ));
    return [
      make("p", {}, app.say("quiz.intro")),
      button(app.say("quiz.start"), any, { class: "primary", "data-act": "start" }),
      numberField(),
    ];
  }

  // A teacher says a number, and everybody has the same quiz.
  function numberField() {
    const properties = { type: "number", id: "quiz-number", min: 1, max: MOST_QUIZ, value: 1 };
    const field = make("input", properties);
    const open = () => start(clippedNumber(field.value));
    field.addEventListener("keydown", (event) => event.key === "Enter" && open());
    const label = make("label", { for: "quiz-number" }, app.say("quiz.number"));
    return make("div", { class: "quiz-number" }, label, field, button(app.say("quiz.open"), open));
  }

  function opened() {
    const title = app.say("quiz.title", { number: app.state.quiz });
    return [
      make("h2", { tabindex: "-1" }, title),
      make("p", {}, app.say("quiz.task")),
      hintButtons(),
      guesses(),
      ...(answered() ? answer() : [answerButton()]),
      button(app.say("quiz.leave"), leave, { "data-act": "leave" }),
    ];
  }

  function hintButtons() {
    const parts = HINTS.map((name) => {
      const taken = hints().includes(name) || answered();
      const take = () => {
        app.change({ hints: [...hints(), name] });
        document.getElementById(PLACES[name])?.scrollIntoView({ block: "nearest" });
      };
      const properties = { "aria-pressed": String(taken), disabled: taken, "data-hint": name };
      return button(app.say(`quiz.hint.${name}`), take, properties);
    });
    const label = make("span", {}, app.say("quiz.hints"));
    return make("div", { class: "quiz-hints" }, label, ...parts);
  }

  function guesses() {
    const parts = DRIFTS.map((name) => {
      const properties = { type: "radio", name: "guess", value: name, checked: guess === name };
      const choose = () => {
        guess = name;
        place.querySelector("[data-act=answer]")?.removeAttribute("disabled");
      };
      const field = make("input", { ...properties, disabled: answered(), onchange: choose });
      return make("label", { class: "quiz-guess" }, field, app.say(`quiz.guess.${name}`));
    });
    const legend = make("legend", {}, app.say("quiz.which"));
    return make("fieldset", { class: "quiz-guesses" }, legend, ...parts);
  }

  function answerButton() {
    const reveal = () => app.change({ hints: [...hints(), "answer"] });
    const properties = { class: "primary", disabled: !guess, "data-act": "answer" };
    return button(app.say("quiz.answer"), reveal, properties);
  }

  function answer() {
    const { drift, dose } = sealedDrift(app.state.quiz);
    const count = HINTS.filter((name) => hints().includes(name)).length;
    const verdict = guess && app.say(guess === drift ? "quiz.right" : "quiz.wrong", { count });
    const truth = app.say("quiz.truth", { drift: app.say(`quiz.guess.${drift}`), dose });
    const next = button(app.say("quiz.next"), () => start((app.state.quiz % MOST_QUIZ) + 1), {
      class: "primary",
      "data-act": "next",
    });
    const words = [verdict, truth].filter(Boolean).join(" ");
    const why = [app.say(`quiz.why.${drift}`), meterWhy(drift)].filter(Boolean).join(" ");
    const lines = [words, why].map((line) => make("p", {}, line));
    return [make("div", { class: "quiz-answer", role: "status" }, ...lines), next];
  }

  // "The meter fell from 0.95 to 0.40."
  function meterWhy(drift) {
    const { now, without } = app.meters?.() ?? {};
    if (!now || !without) return "";
    const metric = METRICS[drift];
    const [value, before] = [now, without].map((readings) => twoDigits(readings[metric].value));
    return app.say("quiz.meter", { value, before });
  }

  function show() {
    const act = focusedAct(place);
    place.replaceChildren(...(app.state.quiz === null ? closed() : opened()));
    if (act === "none") return;
    const again = place.querySelector(`[data-act="${act}"]:not([disabled])`);
    (again ?? place.querySelector("h2") ?? place.querySelector("button"))?.focus();
  }

  app.onChange((_, keys) => {
    if (keys.includes("quiz")) guess = "";
    if (["quiz", "hints", "world"].some((key) => keys.includes(key))) show();
  });
  show();
}

function clippedNumber(text) {
  return Math.min(MOST_QUIZ, Math.max(1, Math.round(Number(text) || 1)));
}

// Which button of the quiz has the focus: it is made anew, and the focus goes where it was.
function focusedAct(place) {
  if (!place.contains(document.activeElement)) return "none";
  return document.activeElement.dataset.act ?? "other";
}
