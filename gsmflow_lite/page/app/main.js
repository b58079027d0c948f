// Puts the page together: opens the data, makes the places, and gives each part what it needs.

import { descriptionOf, designedDescription, startClass } from "./description.js";
import { designTitle, showDesign } from "./design.js";
import { button, make, menu } from "./dom.js";
import { showDrifts } from "./drifts.js";
import { startEngine } from "./engine.js";
import { showGallery } from "./gallery.js";
import { startImagining } from "./imagined.js";
import { writableNames } from "./letters.js";
import { showMap } from "./map.js";
import { showMeters } from "./meter_view.js";
import { showQuiz } from "./quiz.js";
import { startRowPictures } from "./row_pictures.js";
import { showSaving } from "./saving.js";
import { dosesOf } from "./sealed.js";
import { DONE, readAddress, startState, startStore, writeAddress } from "./state.js";
import { showStory } from "./story.js";
import { tabs } from "./tabs.js";
import { startWords } from "./words.js";

const SAID_FOR = 4000; // milliseconds
const ADDRESS_AFTER = 300; // milliseconds: browsers refuse more than a few changes a second

export async function startPage() {
  const say = startWords();
  const report = (error) => tell(say("main.error", { text: error.message }), true);
  tell(say("main.opening"));
  try {
    const engine = startEngine();
    const data = document.getElementById("data");
    const opened = await engine.ask("open", { base64: data.textContent.trim() });
    data.remove(); // some megabytes that nobody reads again
    const app = makeApp(engine, opened, say, report);
    tell("");
    showParts(app);
    keepAddress(app);
    app.imagining.start();
  } catch (error) {
    report(error);
  }
}

function tell(text, bad = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.className = bad ? "bad" : "";
}

function makeApp(engine, { header, worlds: facts }, say, report) {
  const { worlds } = header;
  for (const { classes } of worlds) {
    classes.inData = classes.names;
    classes.names = writableNames(classes.names);
  }
  const store = startStore(readAddress(location.hash.slice(1), worlds));
  const { state } = store;
  const app = { engine, worlds, facts, say, report, ...store };
  app.world = () => worlds[state.world];
  app.fact = () => facts[state.world];
  app.description = () => designedDescription(app.world(), app.fact(), state);
  app.descriptionOf = (k) => descriptionOf(app.world(), app.fact(), k);
  app.startClass = () => startClass(app.world(), app.fact(), state);
  app.title = () => designTitle(app);
  app.doses = () => dosesOf(state);
  app.rowPictures = startRowPictures(engine, worlds, facts);
  app.imagining = startImagining(app);
  app.onImagined = app.imagining.onImagined;
  return app;
}

// --- Places --------------------------------------------------------------------------------

function showParts(app) {
  const place = (id) => document.getElementById(id);
  showTools(place("tools"), app);
  showControls(place("controls"), app);
  showGallery(place("gallery"), app);
  showMap(place("map"), app);
  showMeters(place("meters"), app);
  const saving = document.getElementById("saving");
  if (saving) showSaving(saving, app);
  showStory(place("story"), app);
  showFoot(place("foot"), app);

  const follow = () => {
    place("story").hidden = app.state.story >= DONE;
    place("stage").hidden = app.state.story < DONE;
  };
  app.onChange((_, changed) => {
    if (!changed.includes("story")) return;
    follow();
    if (app.state.story >= DONE) document.getElementById("tab-design").focus();
  });
  follow();
}

function showTools(place, app) {
  if (app.worlds.length > 1) {
    const options = app.worlds.map((world, i) => [i, world.title]);
    const left = new Map(); // how the page stood in the worlds that one has been to
    const change = (picked) => {
      const world = Number(picked);
      left.set(app.state.world, { ...app.state, quiz: null, hints: [] });
      app.change({ ...(left.get(world) ?? startState(world)), story: app.state.story });
    };
    const choice = menu({
      label: app.say("main.world"),
      options,
      value: app.state.world,
      onPick: change,
    });
    app.onChange((state) => (choice.select.value = state.world));
    place.append(choice.element);
  }
  const story = button(app.say("main.story"), () => app.change({ story: 0 }));
  place.append(story, shareButton(app));
}

function showControls(place, app) {
  const parts = ["design", "drifts", "quiz"].map((key) => {
    const text = app.say(`main.tab.${key}`);
    return { key, text, place: make("div", { id: key, class: "part" }) };
  });
  const label = app.say("main.controls");
  const open = app.state.quiz === null ? "design" : "quiz";
  const { list, show } = tabs({ label, parts, open });
  place.setAttribute("aria-label", label);
  place.append(list, ...parts.map((part) => part.place));
  app.tab = show;
  [showDesign, showDrifts, showQuiz].forEach((showPart, i) => showPart(parts[i].place, app));
}

function showFoot(place, app) {
  function follow() {
    const { source, licence } = app.world().about ?? {};
    const lines = [source, licence].filter(Boolean).map((text) => make("p", {}, text));
    place.replaceChildren(make("p", {}, app.say("main.offline")), ...lines);
  }
  app.onChange((_, changed) => changed.includes("world") && follow());
  follow();
}

// --- The address ---------------------------------------------------------------------------

function keepAddress(app) {
  let timer = 0;
  const write = () => {
    const text = writeAddress(app.state, app.worlds);
    if (text !== location.hash.slice(1)) history.replaceState(null, "", `#${text}`);
  };
  app.writeAddress = write;
  app.onChange(() => {
    clearTimeout(timer);
    timer = setTimeout(write, ADDRESS_AFTER);
  });
  window.addEventListener("hashchange", () => {
    app.change(readAddress(location.hash.slice(1), app.worlds));
  });
}

// What became of it stands over the page for a while, so that nothing moves.
function shareButton(app) {
  const said = make("span", { class: "share-said", role: "status" });
  let timer = 0;
  const press = async () => {
    clearTimeout(timer);
    said.textContent = app.say(await copyAddress(app));
    timer = setTimeout(() => (said.textContent = ""), SAID_FOR);
  };
  return make("span", { class: "share" }, button(app.say("main.share"), press), said);
}

// Where a page may not use the clipboard, the address itself is there to be copied.
async function copyAddress(app) {
  app.writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    return "main.shareByHand";
  }
  return location.protocol === "file:" ? "main.shared.file" : "main.shared";
}
