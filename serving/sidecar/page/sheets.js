// Sheets of paper, one photo each. They exist while the browser prints, whoever asked it to.

import { copyOf, fillParts } from "./parts.js";
import { drawOverlay, drawPlain } from "./picture.js";
import { figure } from "./words.js";

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" });

/** Lay out a sheet for each photo that has an answer. */
export function layOut(root, photos, look) {
  root.replaceChildren(...photos.filter(({ answer }) => answer !== null).map((photo) => sheet(photo, look)));
}

function sheet(photo, look) {
  const { answer, picture } = photo;
  const made = copyOf("sheet").querySelector(".sheet");
  const part = (name) => made.querySelector(`[data-part="${name}"]`);
  made.classList.toggle("wide", answer.width > 1.1 * answer.height);
  made.querySelector("h2").textContent = photo.name;
  part("asked").textContent = `${DATE.format(photo.askedAt)}; ${answer.width} × ${answer.height} pixels`;
  drawPlain(part("plain"), picture);
  drawOverlay(part("overlay"), picture, answer, look);
  const boxed = look.box && answer.hottest_box !== null ? ", box round the hottest place" : "";
  part("caption").textContent = `Grounds for ${answer.explained_class}, opacity ${figure(look.opacity)}${boxed}`;
  fillParts(made, answer, look.colours);
  return made;
}
