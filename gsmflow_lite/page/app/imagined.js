// Asks for the designed class whenever it changes; gallery and map draw from one answer.

import { latestOnly } from "./newest.js";

export const SHOWN = 12; // pictures: the typical one, and then samples
const ASKED_BY = ["world", "flow", "from", "changes", "temperature", "seed"];
const DOSED_BY = ["variance", "semantic", "structure", "quiz"];

// While a question is on its way, later changes wait, and the last of them counts.
export function startImagining(app) {
  const told = [];
  let last = null;

  const ask = latestOnly(async () => {
    try {
      last = (await imagine(app)) ?? last;
      if (last?.world === app.state.world) for (const tell of told) tell(last);
    } catch (error) {
      app.report(error);
    }
  });
  app.onChange((_, changed) => {
    if ([...ASKED_BY, ...DOSED_BY].some((key) => changed.includes(key))) ask();
  });
  return { start: ask, onImagined: (tell) => told.push(tell), last: () => last };
}

// The typical row comes first, and then samples.
async function imagine(app) {
  const { world, flow, temperature, seed } = app.state;
  const attributes = app.description();
  if (!attributes) return null;
  const question = { world, flow, attributes, temperature, seed, doses: app.doses() };
  const asked = { ...question, count: SHOWN - 1, typical: true };
  const answer = await app.engine.ask("imagine", asked, "design");
  return answer && { ...answer, world, attributes };
}
