// The photo that is looked at: its answer, its map, or what went wrong.

import { heatAt } from "./heat.js";
import { described, element, fillParts } from "./parts.js";
import { drawOverlay } from "./picture.js";
import { figure } from "./words.js";

const POINT = "Point at the photo to read the heat of a place.";

const part = (id) => document.getElementById(id);

/** Show a photo. */
export function showPhoto(photo, look) {
  part("photo-name").textContent = photo.name;
  part("photo").setAttribute("aria-busy", String(photo.busy !== ""));
  part("busy").hidden = photo.busy === "";
  part("busy").firstElementChild.textContent =
    photo.busy === "waiting" ? "Waits in line." : "The model looks at the photo.";
  showTrouble(photo);
  part("answer").hidden = photo.answer === null;
  if (photo.answer === null) return;
  fillParts(part("answer"), photo.answer, look.colours);
  showClasses(photo);
  part("box").disabled = photo.answer.hottest_box === null;
  part("pointer").textContent = POINT;
  showMap(photo, look);
}

/** Draw the photo and its map anew. */
export function showMap(photo, look) {
  const canvas = part("canvas");
  drawOverlay(canvas, photo.picture, photo.answer, look);
  canvas.setAttribute("aria-label", described(photo));
  part("opacity").value = String(look.opacity);
  document.querySelector("output[for=opacity]").textContent = figure(look.opacity);
}

/** Say the heat under the pointer. */
export function showHeatAt({ offsetX, offsetY, target }, { answer }) {
  const [x, y] = [offsetX / target.clientWidth, offsetY / target.clientHeight].map((at) => Math.min(Math.max(at, 0), 1));
  const [left, top] = [Math.floor(x * answer.width), Math.floor(y * answer.height)];
  const heat = figure(heatAt(answer.heatmap, x, y));
  part("pointer").textContent = `Heat ${heat} at ${left} from the left, ${top} from the top.`;
}

/** The pointer has left the photo. */
export function showNoHeat() {
  part("pointer").textContent = POINT;
}

function showTrouble({ answer, busy, trouble }) {
  const box = part("trouble");
  box.hidden = trouble === null;
  if (trouble === null) return;
  box.querySelector("h3").textContent = answer === null ? "No answer for this photo" : "That did not work";
  for (const name of ["came", "expected", "to_do"]) {
    box.querySelector(`[data-part="${name}"]`).textContent = trouble[name];
  }
  part("again").hidden = trouble.again === null || busy !== "";
}

function showClasses({ answer, wanted }) {
  const options = answer.classes.map((name) => {
    const option = element("option", "", name === answer.class ? `${name} (the model's answer)` : name);
    option.value = name;
    return option;
  });
  part("class").replaceChildren(...options);
  part("class").value = wanted;
}
