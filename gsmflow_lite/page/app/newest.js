// Work of which only the latest wish counts: while it is done, further wishes wait as one.

export function latestOnly(work) {
  let running = false;
  let wished = false;

  return async function wish() {
    if (running) {
      wished = true;
      return;
    }
    running = true;
    try {
      do {
        wished = false;
        await work();
      } while (wished);
    } finally {
      running = false;
    }
  };
}
