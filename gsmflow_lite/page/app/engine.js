// Asks the worker, which computes, so that the page never waits for a matrix product.

export function startEngine() {
  const worker = new Worker(scriptAddress(document.getElementById("engine").textContent));
  const waiting = new Map();
  let last = 0;

  worker.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.error !== undefined) reject?.(new Error(data.error));
    else resolve?.(data.void ? null : data);
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "worker"));
    waiting.clear();
  };

  // The answer is null where a later question of the same kind and lane has taken its place.
  function ask(kind, values = {}, lane = "") {
    const id = ++last;
    const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    worker.postMessage({ ...values, id, kind, lane });
    return answer;
  }

  return { ask };
}

// A page that is opened from disk may start a worker from a blob, and from nothing else.
function scriptAddress(text) {
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}
