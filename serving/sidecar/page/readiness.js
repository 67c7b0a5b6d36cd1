// Whether the model is there to be asked, looked at again and again.

import { readyModel } from "./ask.js";
import { model } from "./words.js";

const LOOK_AGAIN_SECONDS = { ready: 10, away: 3 };

/** Keep an element telling which model answers, or why none does. */
export async function keepTelling(root) {
  let state = "ready";
  try {
    tell(root, "good", `${model(await readyModel())}, is ready`, "");
  } catch ({ words }) {
    state = "away";
    tell(root, "bad", "the model is not ready", `What came: ${words.came}. To do: ${words.to_do}. Looking again.`);
  }
  setTimeout(() => keepTelling(root), 1000 * LOOK_AGAIN_SECONDS[state]);
}

function tell(root, kind, verdict, why) {
  const [pill, reason] = root.children;
  if (pill.textContent === verdict && reason.textContent === why) return; // a screen reader would read it again
  pill.className = `pill ${kind}`;
  pill.textContent = verdict;
  reason.textContent = why;
}
