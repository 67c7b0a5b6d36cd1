// What is known: the photos of the run, what the decisions file said, and what was decided on this page since.
const data = JSON.parse(document.querySelector("#data").textContent);
const cards = new Map(data.cards.map((card) => [card.sha256, { labels: [], reasons: [], facts: {}, ...card }]));
const overruled = new Set(data.overruled);
const unmatched = new Set(data.unmatched);
const PLACE = `heritage-review:${location.pathname}`;

const state = {
  lines: data.decisions, // the decisions file, as far as this page knows it
  base: answersOf(data.decisions), // the same by photo
  edits: new Map(), // sha256 -> {verdict, together, isSaved, out}; out is what was downloaded of it, or null
  agreed: new Set(), // keys of items that were found right as they are
  by: "",
  selected: new Set(),
  undo: [],
  listeners: [],
  remembers: true,
};

function inFile(sha256) {
  return state.base.get(sha256) || NOTHING;
}

function answer(sha256) {
  return state.edits.get(sha256) || inFile(sha256);
}

function unsaved() {
  return [...state.edits].filter(([, edit]) => !edit.isSaved);
}

// Answer some photos anew, and agree with some items, as one step that can be undone.
function change(what, answers, agreed = []) {
  const before = {
    what,
    answers: [...answers.keys()].map((sha256) => [sha256, answer(sha256)]),
    agreed: agreed.filter((key) => !state.agreed.has(key)),
  };
  for (const [sha256, given] of answers) put(sha256, given);
  for (const key of agreed) state.agreed.add(key);
  state.undo.push(before);
  tell(what);
}

// What was downloaded may be merged by now, so taking it back has to be said, and is no return to the beginning.
function put(sha256, { verdict, together }) {
  const out = state.edits.get(sha256)?.out || null;
  const edit = { verdict, together, isSaved: false, out };
  if (isSame(edit, inFile(sha256)) && !out) state.edits.delete(sha256);
  else state.edits.set(sha256, edit);
}

function undo() {
  const last = state.undo.pop();
  if (!last) return null;
  for (const [sha256, given] of last.answers) put(sha256, given);
  for (const key of last.agreed) state.agreed.delete(key);
  tell(`undone: ${last.what}`);
  return last;
}

function tell(what) {
  remember();
  for (const listener of state.listeners) listener(what);
}

function remember() {
  const { lines, edits, agreed, by } = state;
  const text = JSON.stringify({ run: data.run, lines, edits: [...edits], agreed: [...agreed], by });
  try {
    localStorage.setItem(PLACE, text);
    state.remembers = true;
  } catch {
    state.remembers = false; // storage is full or switched off: leaving the page still warns
  }
}

// Photos keep their sha256 from run to run, so what was not saved yet still holds after a new one.
function recall() {
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(PLACE) || "null");
  } catch {
    state.remembers = false;
  }
  if (!kept) return 0;
  const isNewRun = kept.run !== data.run;
  if (!isNewRun) setLines(kept.lines);
  const open = kept.edits.filter(([sha256, edit]) => !isSame(edit, inFile(sha256)));
  state.edits = new Map(open.map(([sha256, edit]) => [sha256, { ...edit, isSaved: edit.isSaved && !isNewRun }]));
  state.agreed = new Set(kept.agreed);
  state.by = kept.by;
  return isNewRun ? state.edits.size : 0;
}

function setLines(lines) {
  state.lines = lines;
  state.base = answersOf(lines);
}
