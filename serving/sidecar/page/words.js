// What the page says about an answer. Pure functions from answers to text.

/** A probability and its threshold are close when they differ by less. */
const CLOSE = 0.1;

/** A figure in [0, 1] as people write it: .87, and 1.00. */
export function figure(value) {
  return value.toFixed(2).replace(/^0(?=\.)/, "");
}

/** "probability of crack .87 (threshold .50)" */
export function probability(answer, name = answer.class) {
  return `probability of ${name} ${figure(answer.probabilities[name])} (threshold ${figure(answer.thresholds[name])})`;
}

/** Classes by probability minus threshold, the predicted one first. */
export function ranked(answer) {
  const others = answer.classes.filter((name) => name !== answer.class);
  return [answer.class, ...others.sort((one, other) => margin(answer, other) - margin(answer, one))];
}

/** How far the predicted class is from its threshold and from the next class, in words. */
export function closeness(answer) {
  const [first, second] = ranked(answer);
  const above = margin(answer, first);
  const said = [];
  if (above < 0) said.push(`No class reaches its threshold; ${first} comes nearest. Look at the photo yourself.`);
  else if (above < CLOSE) said.push(`Close to the threshold, only ${figure(above)} above it. Look at the photo yourself.`);
  else said.push(`Not close to the threshold: ${figure(above)} above it.`);
  if (above >= 0 && second !== undefined && above - margin(answer, second) < CLOSE) {
    said.push(`Nearly chosen instead: ${probability(answer, second)}.`);
  }
  return said.join(" ");
}

/** Where the hottest place lies. */
export function hottest(answer) {
  const box = answer.hottest_box;
  if (box === null) return `The map is cold: no place stands out as grounds for ${answer.explained_class}.`;
  return (
    `Hottest place: ${box.width} × ${box.height} of ${answer.width} × ${answer.height} pixels, ` +
    `${box.left} from the left and ${box.top} from the top; heat up to ${figure(peak(answer.heatmap))}.`
  );
}

/** "demo, version 3" */
export function model(answer) {
  return `${answer.model}, version ${answer.version}`;
}

/** A number of bytes in megabytes. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}

function margin(answer, name) {
  return answer.probabilities[name] - answer.thresholds[name];
}

function peak(heatmap) {
  return Math.max(...heatmap.map((row) => Math.max(...row)));
}
