// A line before a few places: tasks start in order as places come free.

export class Line {
  #waiting = [];
  #free;

  /** @param {number} places tasks that run at once */
  constructor(places) {
    this.#free = places;
  }

  /**
   * Run a task when a place is free.
   * @param {() => Promise} task
   * @param {AbortSignal} signal takes the task out of the line, with an `AbortError`
   * @param {boolean} urgent goes before those that are not
   */
  async run(task, signal, urgent) {
    await this.#place(signal, urgent);
    try {
      return await task();
    } finally {
      this.#free += 1;
      this.#next();
    }
  }

  #place(signal, urgent) {
    return new Promise((start, leave) => {
      const waiter = { start, urgent };
      signal.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        leave(signal.reason);
      });
      const before = urgent ? this.#waiting.findIndex((other) => !other.urgent) : -1;
      this.#waiting.splice(before < 0 ? this.#waiting.length : before, 0, waiter);
      this.#next();
    });
  }

  #next() {
    if (this.#free === 0 || this.#waiting.length === 0) return;
    this.#free -= 1;
    this.#waiting.shift().start();
  }
}
