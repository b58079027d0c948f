// Answers the page from a worker: the interface never waits for a computation.
import { unpackData } from "./arrays.js";
import { Jobs, URGENCY } from "./jobs.js";
import { World } from "./world.js";

export function startWorker() {
  const worlds = [];
  const { port1, port2 } = new MessageChannel(); // sooner than a timer, and after waiting messages
  const answer = (message, result) => self.postMessage({ id: message.id, ...result });
  const jobs = new Jobs((message) => workOn(message, worlds), answer, () => port2.postMessage(0));
  port1.onmessage = () => jobs.turn();
  self.onmessage = ({ data }) => jobs.add(data);
}

// A generator of the work on one message, which returns its answer.
async function* workOn(message, worlds) {
  const { kind } = message;
  if (kind === "open") return await opened(message.base64, worlds);
  if (!URGENCY.includes(kind)) throw new Error(`kind must be one of ${URGENCY}, got ${kind}`);
  const world = worlds[message.world];
  if (!world) throw new Error(`world must be one of ${worlds.length}, got ${message.world}`);
  const result = world[kind](message);
  return typeof result.next === "function" ? yield* result : result;
}

async function opened(base64, worlds) {
  const { header, arrays } = await unpackData(base64);
  worlds.splice(0, worlds.length, ...header.worlds.map((of) => new World(of, arrays)));
  const { arrays: _, ...rest } = header; // where arrays lie is nobody else's business
  return { header: rest, worlds: worlds.map((world) => world.facts()) };
}
