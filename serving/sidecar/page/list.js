// The list of photos: one row each, with its state.

import { copyOf, element } from "./parts.js";
import { figure } from "./words.js";

/** The photo's state in a few words. */
function stateOf(photo) {
  if (photo.busy === "waiting") return "waits in line";
  if (photo.busy === "asking") return "being looked at";
  if (photo.answer !== null) return `${photo.answer.class} ${figure(photo.answer.probability)}`;
  return "no answer";
}

export class List {
  #root;
  #rows = new Map();
  #handlers;

  /** @param {{choose: (photo) => void, remove: (photo) => void}} handlers */
  constructor(root, handlers) {
    this.#root = root;
    this.#handlers = handlers;
    root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  add(photo) {
    const row = copyOf("item").querySelector("li");
    row.querySelector(".name").textContent = photo.name;
    const remove = row.querySelector(".remove");
    remove.setAttribute("aria-label", `Remove ${photo.name}`);
    remove.addEventListener("click", () => this.#handlers.remove(photo));
    row.querySelector(".pick").addEventListener("click", () => this.#handlers.choose(photo));
    this.#rows.set(photo, row);
    this.#root.append(row);
  }

  remove(photo) {
    this.#rows.get(photo).remove();
    this.#rows.delete(photo);
  }

  show(photo) {
    const row = this.#rows.get(photo);
    row.dataset.state = photo.busy || (photo.trouble ? "failed" : "answered");
    row.querySelector(".state").textContent = stateOf(photo);
    row.querySelector(".thumb").replaceChildren(photo.picture?.thumb ?? element("span", "none"));
  }

  choose(photo) {
    for (const [other, row] of this.#rows) {
      row.querySelector(".pick").setAttribute("aria-current", String(other === photo));
    }
    this.#rows.get(photo).scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  focus(photo) {
    this.#rows.get(photo).querySelector(".pick").focus();
  }

  #onKey(event) {
    const photos = [...this.#rows.keys()];
    const at = photos.findIndex((photo) => this.#rows.get(photo).contains(event.target));
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Delete") this.#handlers.remove(photos[at]);
    else if (step === undefined) return;
    else if (photos[at + step] !== undefined) {
      this.#handlers.choose(photos[at + step]);
      this.focus(photos[at + step]);
    }
    event.preventDefault();
  }
}
