// What is known: the photos of the run, what the decisions file said, and what was decided on this page since.
const data = JSON.parse(document.querySelector("#data").textContent);
const cards = new Map(data.cards.map((card) => [card.sha256, { labels: [], reasons: [], facts: {}, ...card }]));
const overruled = new Set(data.overruled);
const PLACE = `heritage-review:${location.pathname}`;

const state = {
  base: answersOf(data.decisions), // as the file has it, so far as this page knows
  edits: new Map(), // sha256 -> {verdict, together, saved}; saved is "", "file" or "download"
  agreed: new Set(), // keys of items that were found right as proposed
  by: "",
  selected: new Set(),
  undo: [],
  listeners: [],
  remembers: true,
};

function answer(sha256) {
  return state.edits.get(sha256) || state.base.get(sha256) || NOTHING;
}

function unsaved() {
  return [...state.edits].filter(([, edit]) => !edit.saved);
}

// Answer some photos anew, and agree with some items, as one step that can be undone.
function change(what, answers, agreed = []) {
  const before = {
    what,
    edits: [...answers.keys()].map((sha256) => [sha256, state.edits.get(sha256)]),
    agreed: agreed.filter((key) => !state.agreed.has(key)),
  };
  for (const [sha256, edit] of answers) put(sha256, edit);
  for (const key of agreed) state.agreed.add(key);
  state.undo.push(before);
  tell(what);
}

function put(sha256, edit) {
  const known = state.base.get(sha256) || NOTHING;
  const present = state.edits.get(sha256);
  if (isSame(edit, known) && !(present && present.saved)) state.edits.delete(sha256);
  else state.edits.set(sha256, { ...edit, saved: "" });
}

function undo() {
  const last = state.undo.pop();
  if (!last) return null;
  for (const [sha256, edit] of last.edits) {
    if (edit) state.edits.set(sha256, { ...edit, saved: "" });
    else if (state.edits.get(sha256)?.saved) put(sha256, state.base.get(sha256) || NOTHING);
    else state.edits.delete(sha256);
  }
  for (const key of last.agreed) state.agreed.delete(key);
  tell(`undone: ${last.what}`);
  return last;
}

function tell(what) {
  remember();
  for (const listener of state.listeners) listener(what);
}

function remember() {
  const { edits, agreed, by } = state;
  const text = JSON.stringify({ run: data.run, edits: [...edits], agreed: [...agreed], by });
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
  for (const [sha256, edit] of kept.edits) {
    if (isSame(edit, state.base.get(sha256) || NOTHING)) continue;
    if (!isNewRun) state.edits.set(sha256, edit);
    else if (edit.saved !== "file") state.edits.set(sha256, { ...edit, saved: "" });
  }
  state.agreed = new Set(kept.agreed);
  state.by = kept.by;
  return isNewRun ? state.edits.size : 0;
}
