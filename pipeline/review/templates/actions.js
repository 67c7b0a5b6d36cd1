// What buttons and keys do to the photo or the item at hand.
const EMPTY_LINE = Object.freeze({ sha256: "", decision: "", label: "", group: "", reason: "", by: "" });

const TORN = "this photo came under several labels: give it a class instead, or drop it";

function lineOf(sha256, decision, values = {}) {
  return { ...EMPTY_LINE, sha256, decision, by: state.by, ...values };
}

function verdicts(photos, decision, values = {}) {
  return new Map(photos.map((sha256) => [sha256, { ...answer(sha256), verdict: lineOf(sha256, decision, values) }]));
}

// Keep or drop, or take that back where it is so already.
function decide(photos, decision) {
  const isSo = photos.every((photo) => answer(photo).verdict?.decision === decision);
  if (isSo) {
    change(`${decision} taken back`, new Map(photos.map((photo) => [photo, { ...answer(photo), verdict: null }])));
    return;
  }
  const torn = photos.find((photo) => cards.get(photo)?.labels.length > 1);
  if (decision === "keep" && torn) {
    tell(TORN);
    return;
  }
  change(decision, verdicts(photos, decision));
}

// Outside the copies, a class holds for the photo's copies of its class too: both would go as contradicting otherwise.
function withCopies(item, photo) {
  const group = item.section !== "copies" && sections.get("copies").items.find((one) => one.photos.includes(photo));
  if (!group) return [photo];
  const labels = cards.get(photo).labels.join();
  const isOpen = (one) => !["keep", "drop"].includes(answer(one).verdict?.decision) && cards.get(one).labels.join() === labels;
  return group.photos.filter((one) => one === photo || isOpen(one));
}

async function relabel(photos, suggested) {
  const label = await askLabel(photos.length, suggested || answer(photos[0]).verdict?.label);
  if (label) change(`class ${label}`, verdicts(photos, "relabel", { label }));
  return Boolean(label);
}

async function putTogether(photos) {
  const group = await askGroup(photos.length);
  if (!group) return false;
  const answers = photos.map((photo) => [photo, { ...answer(photo), together: lineOf(photo, "together", { group }) }]);
  state.selected.clear();
  change(`group ${group}`, new Map(answers));
  return true;
}

async function giveReason(sha256) {
  const given = answer(sha256);
  const present = given.verdict || given.together;
  if (!present) {
    tell("decide first, then say why");
    return;
  }
  const reason = await askReason(present.reason);
  if (reason === null) return;
  const question = given.verdict ? "verdict" : "together";
  change("reason", new Map([[sha256, { ...given, [question]: { ...present, reason, by: state.by } }]]));
}

// Only photos that came under another label need a line.
function allAre(item, label) {
  const others = item.photos.filter((photo) => cards.get(photo).labels.join() !== label);
  const answers = verdicts(others, "relabel", { label });
  const same = item.photos.filter((photo) => !others.includes(photo) && answer(photo).verdict?.decision === "relabel");
  for (const photo of same) answers.set(photo, { ...answer(photo), verdict: null });
  change(`all are ${label}`, answers);
}

function keepAll(item) {
  if (item.photos.some((photo) => cards.get(photo).labels.length > 1)) decide(item.photos, "keep");
  else change("different photos, all kept", verdicts(item.photos, "keep", { reason: "different photos" }));
}

// Lines that hold even where a later batch or rule would choose otherwise.
function fix(item) {
  const stays = item.photos.filter((photo) => cards.get(photo).stays);
  const goes = item.photos.filter((photo) => !cards.get(photo).stays);
  if (stays.some((photo) => cards.get(photo).labels.length > 1)) {
    tell(TORN);
    return;
  }
  change("fixed as proposed", new Map([...verdicts(stays, "keep"), ...verdicts(goes, "drop")]));
}

function clear(photos) {
  change("taken back", new Map(photos.map((photo) => [photo, NOTHING])));
}

async function agreeWithAll() {
  const left = view.items.filter((item) => !isSettled(item));
  const words = `Mark ${left.length} as right as they are? That writes no decision: each later run proposes anew.`;
  if (left.length && (await confirmed(words))) change(`${left.length} right as they are`, new Map(), left.map((item) => item.key));
}
