// Which questions are shown: section, filters, and a page of them at a time, so that the browser holds few pictures.
const DECIDED = "decisions";
const PER_PAGE = { grouped: 12, single: 48 };
const MAX_MEMBERS = 24;

const sections = new Map(
  [
    ...data.sections,
    {
      name: DECIDED,
      title: "Decided",
      lead: "What the decisions file says, and what was decided here. A line about a photo that this run does not see changes nothing.",
      is_grouped: false,
    },
  ].map((section) => [section.name, { items: [], ...section }]),
);
for (const section of sections.values()) {
  section.meanings ||= {};
  for (const item of section.items) {
    for (const list of ["facets", "lines", "labels"]) item[list] ||= [];
    item.notes ||= {};
    item.section = section.name;
  }
}

const view = { section: "", facet: "", label: "", batch: "", state: "left", page: 0, items: [] };

function itemsOf(section) {
  return section.name === DECIDED ? decidedItems() : section.items;
}

function decidedPhotos() {
  return [...new Set([...state.base.keys(), ...state.edits.keys()])];
}

function decidedItems() {
  return decidedPhotos().map((sha256) => {
    const card = cards.get(sha256);
    const facets = [fateOf(sha256)];
    if (state.edits.has(sha256) && !state.edits.get(sha256).isSaved) facets.push("not saved");
    const line = { overruled: "overruled by the last run", unmatched: card && "alone in its group: the last run had no use for that" }[facets[0]];
    return { key: sha256, section: DECIDED, title: "", photos: [sha256], facets, lines: line ? [line] : [], labels: [], notes: {} };
  });
}

// A decision on one photo settles a question about several only where it answers that question.
function isSettled(item) {
  if (state.agreed.has(item.key)) return true;
  const answered = item.photos.filter((photo) => linesOf(answer(photo)).length > 0);
  if (item.section === "scenes") return isSceneSettled(item, answered.length);
  return answered.length > 0 && (item.labels.length < 2 || !isTorn(item));
}

// One photo that is left is no scene; one of several labels asks whether they are right.
function isSceneSettled(item, numAnswered) {
  const isLeft = (photo) => answer(photo).verdict?.decision !== "drop";
  if (item.photos.filter(isLeft).length < 2 || numAnswered === item.photos.length) return true;
  return item.labels.length > 1 && !isTorn(item);
}

// Whether photos would still stand under several labels.
function isTorn(item) {
  const open = item.photos.filter((photo) => !["keep", "drop"].includes(answer(photo).verdict?.decision));
  const labels = open.flatMap((photo) => answer(photo).verdict?.label || cards.get(photo).labels);
  return new Set(labels).size > 1;
}

// What the last run made of a decision.
function fateOf(sha256) {
  if (!cards.has(sha256) || (unmatched.has(sha256) && !state.edits.has(sha256))) return "unmatched";
  return overruled.has(sha256) ? "overruled" : "in force";
}

function labelsOf(item) {
  return item.photos.flatMap((photo) => cards.get(photo)?.labels || []).concat(item.suggested || []);
}

function batchesOf(item) {
  return item.photos.flatMap((photo) => cards.get(photo)?.batches || []);
}

function fits(item) {
  const isLeft = view.section === DECIDED || view.state === "" || isSettled(item) === (view.state === "settled");
  return (
    isLeft &&
    (!view.facet || item.facets.includes(view.facet)) &&
    (!view.label || labelsOf(item).includes(view.label)) &&
    (!view.batch || batchesOf(item).includes(view.batch))
  );
}

// The list stands still while its items are settled, or they would jump away under the reader's hand.
function arrange() {
  view.items = itemsOf(sections.get(view.section)).filter(fits);
  view.page = Math.min(view.page, numPages() - 1);
}

function numPages() {
  const section = sections.get(view.section);
  return Math.max(1, Math.ceil(view.items.length / perPage(section)));
}

function perPage(section) {
  return section.is_grouped ? PER_PAGE.grouped : PER_PAGE.single;
}

function itemsOnPage() {
  const size = perPage(sections.get(view.section));
  return view.items.slice(view.page * size, (view.page + 1) * size);
}

function numLeft(section) {
  return section.items.filter((item) => !isSettled(item)).length;
}
