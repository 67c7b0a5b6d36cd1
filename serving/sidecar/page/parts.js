// Parts of an answer that the page and the printed sheet share.

import { closeness, figure, hottest, model, probability, ranked } from "./words.js";

/** An element with a class and what it holds; text stays text. */
export function element(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

/** A copy of a template's content. */
export function copyOf(template) {
  return document.getElementById(template).content.cloneNode(true);
}

/** Fill the parts of `root` that are marked with `data-part`. */
export function fillParts(root, answer, colours) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  part("verdict").replaceChildren(
    element("p", "class", answer.class),
    element("p", "", probability(answer)),
    element("p", "small", closeness(answer)),
  );
  part("table").replaceChildren(table(answer));
  part("scale").replaceChildren(scale(answer, colours));
  part("hottest").textContent = hottest(answer);
  part("model").textContent = `Answered by the model ${model(answer)}.`;
}

/** "crack: grounds over the photo" and where the hottest of them lie, for those who do not see the picture. */
export function described(photo) {
  return `${photo.name} with the grounds for ${photo.answer.explained_class}. ${hottest(photo.answer)}`;
}

function table(answer) {
  const rows = ranked(answer).map((name) => {
    const [value, threshold] = [answer.probabilities[name], answer.thresholds[name]];
    const head = element("th", "", name, bar(value, threshold));
    head.scope = "row";
    const row = element("tr", "", head, number(value), number(threshold));
    if (name === answer.class) row.className = "predicted";
    return row;
  });
  const heads = ["class", "probability", "threshold"].map((text) => element("th", "", text));
  const caption = element("caption", "small", "All classes. The stroke on each bar is the threshold.");
  const head = element("thead", "", element("tr", "", ...heads));
  return element("table", "", caption, head, element("tbody", "", ...rows));
}

function number(value) {
  return element("td", "number", figure(value));
}

function bar(value, threshold) {
  const fill = element("span", "fill");
  fill.style.width = `${100 * value}%`;
  const mark = element("span", "mark");
  mark.style.left = `${100 * threshold}%`;
  return element("span", "bar", fill, mark);
}

function scale(answer, colours) {
  const copy = copyOf("scale");
  const pen = copy.querySelector("canvas").getContext("2d");
  colours.forEach(([red, green, blue], level) => {
    pen.fillStyle = `rgb(${red} ${green} ${blue})`;
    pen.fillRect(level, 0, 1, 1);
  });
  copy.querySelector("p").textContent =
    `Heat: ${answer.heatmap_scale} The hotter a place, the more of its colour lies over the photo.`;
  return copy;
}
