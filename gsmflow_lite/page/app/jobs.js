// The order of the worker's work: what is urgent comes between the parts of what takes long.

// Kinds of work, the most urgent first. Other kinds are refused.
export const URGENCY = ["open", "imagine", "picturesOf", "sweep", "classes", "meters"];

// Starts work, answers it, and takes turns: `begin(message)` gives a generator, of which each part
// is one turn; `answer(message, result)` says what it returned.
export class Jobs {
  constructor(begin, answer, nextTurn) {
    this.begin = begin;
    this.answer = answer;
    this.nextTurn = nextTurn; // calls turn() after messages that have come already
    this.waiting = []; // messages, and the work on them once it has begun
  }

  add(message) {
    const older = this.waiting.find((job) => !job.work && isSameLane(job.message, message));
    if (older) {
      this.remove(older);
      this.answer(older.message, { void: true });
    }
    this.waiting.push({ message, work: null });
    this.nextTurn();
  }

  // Does a part of the most urgent work; of two that are as urgent, of the one that came first.
  async turn() {
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    const ranks = this.waiting.map((job) => URGENCY.indexOf(job.message.kind));
    await this.advance(this.waiting[ranks.indexOf(Math.min(...ranks))]);
    this.busy = false;
    if (this.waiting.length) this.nextTurn();
  }

  async advance(job) {
    try {
      job.work ??= this.begin(job.message);
      const { done, value } = await job.work.next();
      if (!done) return;
      this.remove(job);
      this.answer(job.message, value);
    } catch (error) {
      this.remove(job);
      this.answer(job.message, { error: error.message });
    }
  }

  remove(job) {
    this.waiting.splice(this.waiting.indexOf(job), 1);
  }
}

function isSameLane(some, other) {
  return some.kind === other.kind && some.lane === other.lane;
}
