// The photos that were given, and their way to an answer.

import { explanation, overlay, Trouble } from "./ask.js";
import { Line } from "./line.js";
import { pictureOf } from "./picture.js";
import { megabytes } from "./words.js";

const AT_ONCE = 2;

/** The most photos that a page holds; each keeps some five megabytes of pixels. */
export const MOST = 100;

export class Photo {
  constructor(file, name) {
    this.file = file;
    this.name = name;
    this.answer = null;
    this.askedAt = null;
    this.picture = null;
    /** Class that is explained, or asked for while the photo is busy; null = the predicted one. */
    this.wanted = null;
    /** "waiting", "asking" or, between questions, "". */
    this.busy = "";
    /** {came, expected, to_do, again}; `again` is null where another try would end alike. */
    this.trouble = null;
  }
}

export class Queue {
  #line = new Line(AT_ONCE);
  #stops = new Map();
  #limits;
  #changed;

  /** @param {(photo: Photo) => void} changed is told of each step of a photo */
  constructor(limits, changed) {
    this.photos = [];
    this.#limits = limits;
    this.#changed = changed;
  }

  add(photo) {
    this.photos.push(photo);
    if (photo.file.size > this.#limits.max_bytes) {
      photo.trouble = {
        came: `a file of ${megabytes(photo.file.size)}`,
        expected: `a photo of at most ${megabytes(this.#limits.max_bytes)}`,
        to_do: "save a smaller copy and choose that; this one was not sent",
        again: null,
      };
      this.#changed(photo);
    } else {
      this.ask(photo, null);
    }
  }

  remove(photo) {
    this.photos = this.photos.filter((other) => other !== photo);
    this.cancel(photo);
  }

  cancel(photo) {
    this.#stops.get(photo)?.abort();
  }

  /** Ask for the explanation of a class, or with null the predicted one; what else is asked about the photo is dropped. */
  ask(photo, wanted) {
    photo.wanted = wanted;
    return this.#do(photo, () => this.ask(photo, wanted), async (signal) => {
      const answer = await explanation(photo.file, wanted, signal);
      const picture = photo.picture ?? (await pictureOf(photo.file, answer, signal));
      signal.throwIfAborted();
      Object.assign(photo, { answer, picture, askedAt: new Date() });
    });
  }

  /** Fetch the overlay in full resolution and hand it to `save`. */
  fetchOverlay(photo, opacity, save) {
    return this.#do(photo, () => this.fetchOverlay(photo, opacity, save), async (signal) => {
      save(await overlay(photo.file, photo.answer.explained_class, opacity, signal));
    });
  }

  async #do(photo, again, work) {
    this.cancel(photo);
    const stop = new AbortController();
    this.#stops.set(photo, stop);
    this.#step(photo, "waiting", null);
    const task = () => {
      this.#step(photo, "asking", null);
      return work(stop.signal);
    };
    let trouble = null;
    try {
      await this.#line.run(task, stop.signal, photo.answer !== null);
    } catch (error) {
      trouble = { ...wordsOf(error), again };
    }
    if (this.#stops.get(photo) !== stop) return; // a later question took its place
    this.#stops.delete(photo);
    photo.wanted = photo.answer?.explained_class ?? null;
    this.#step(photo, "", trouble);
  }

  #step(photo, busy, trouble) {
    Object.assign(photo, { busy, trouble });
    if (this.photos.includes(photo)) this.#changed(photo);
  }
}

function wordsOf(error) {
  if (error instanceof Trouble) return error.words;
  if (error.name === "AbortError") {
    return { came: "no answer: you cancelled", expected: "to wait for it", to_do: "try again when you like" };
  }
  return {
    came: `a fault of this page: ${error.message}`,
    expected: "a picture with its heat map",
    to_do: "try again; if it stays so, report it together with the photo",
  };
}
