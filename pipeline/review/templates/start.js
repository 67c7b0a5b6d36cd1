// Wiring: navigation, filters, mouse and keys.
const list = document.querySelector("#items");
const bar = document.querySelector(".selection");
const status = document.querySelector("#status");
const filters = document.querySelector(".filters");

const itemOf = (node) => view.items.find((item) => item.key === node?.closest(".item")?.dataset.key);
const nodeOf = (item) => list.querySelector(`.item[data-key="${item.key}"]`);
const cardAt = () => document.activeElement?.closest?.(".card") || list.querySelector('.card[tabindex="0"]');

function draw(focused = "first") {
  list.replaceChildren(...itemsOnPage().map((item, place) => drawItem(item, place)));
  list.className = sections.get(view.section).is_grouped ? "groups" : "photos";
  document.querySelector(".nothing").hidden = view.items.length > 0;
  const drawn = [...list.querySelectorAll(".card")];
  const next = drawn.find((card) => card.dataset.sha256 === focused) || (focused === "last" ? drawn.at(-1) : drawn[0]);
  if (next) next.tabIndex = 0;
  if (next && focused !== "first") next.focus();
  paintAround();
}

function show(name) {
  const chosen = sections.has(name) ? name : [...sections.values()].find(numLeft)?.name || DECIDED;
  if (view.section !== chosen) {
    Object.assign(view, { section: chosen, facet: "", page: 0 });
    const top = document.querySelector(".review");
    if (top.getBoundingClientRect().top < 0) top.scrollIntoView();
  }
  const section = sections.get(chosen);
  document.querySelector("#lead").textContent = section.lead;
  const facets = [...new Set(itemsOf(section).flatMap((item) => item.facets))].sort();
  fill(filters.elements.facet, "all", facets, view.facet);
  const meanings = facets.filter((facet) => section.meanings[facet]).map((facet) => {
    const count = section.items.filter((item) => item.facets.includes(facet)).length;
    return element("li", {}, element("strong", {}, facet), ` ${count}: ${section.meanings[facet]}`);
  });
  document.querySelector("#meanings").replaceChildren(...meanings);
  filters.elements.facet.closest("div").hidden = facets.length < 2;
  filters.elements.state.closest("div").hidden = chosen === DECIDED;
  arrange();
  draw();
}

function fill(select, all, values, chosen) {
  const options = values.map((value) => element("option", { value }, value));
  select.replaceChildren(element("option", { value: "" }, all), ...options);
  select.value = chosen;
}

function paintAround() {
  for (const link of document.querySelectorAll("nav a[data-section]")) {
    const section = sections.get(link.dataset.section);
    const count = section.name === DECIDED ? decidedItems().length : numLeft(section);
    link.querySelector(".count").textContent = section.name === DECIDED ? count : count ? `${count} left` : "settled";
    if (section.name === view.section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const section = sections.get(view.section);
  const all = itemsOf(section).length;
  const shown = `${view.items.length} of ${all} shown`;
  document.querySelector("#shown").textContent = section.name === DECIDED ? shown : `${shown}, ${all - numLeft(section)} settled`;
  for (const pager of document.querySelectorAll(".pager")) {
    pager.hidden = numPages() < 2;
    pager.querySelector("span").textContent = `page ${view.page + 1} of ${numPages()}`;
    pager.querySelector("[data-do=back]").disabled = view.page === 0;
    pager.querySelector("[data-do=on]").disabled = view.page + 1 >= numPages();
  }
  const count = unsaved().length;
  const saving = document.querySelector("[data-do=save]");
  saving.querySelector("span").textContent = count ? `Save ${count} decision${count > 1 ? "s" : ""}` : "Save";
  saving.disabled = !count;
  document.querySelector("[data-do=undo]").disabled = !state.undo.length;
  document.querySelector("[data-do=agree-all]").hidden = section.name === DECIDED || !view.items.some((item) => !isSettled(item));
  bar.hidden = !state.selected.size;
  bar.querySelector("span").textContent = `${state.selected.size} selected`;
}

state.listeners.push((what) => {
  status.textContent = what + (state.remembers ? "" : " (this browser forgets what is not saved)");
  for (const item of itemsOnPage()) {
    const node = nodeOf(item);
    if (node) repaint(node, item);
  }
  paintAround();
});

function turn(by, focused) {
  const page = view.page + by;
  if (page < 0 || page >= numPages()) return false;
  view.page = page;
  draw(focused);
  list.scrollIntoView({ block: "start" });
  return true;
}

function goTo(card) {
  for (const each of list.querySelectorAll('.card[tabindex="0"]')) each.tabIndex = -1;
  card.tabIndex = 0;
  card.focus({ preventScroll: true });
  (card.closest(".group") || card).scrollIntoView({ block: "nearest" });
}

function step(by) {
  const drawn = [...list.querySelectorAll(".card")];
  const next = drawn[drawn.indexOf(cardAt()) + by];
  if (next) goTo(next);
  else turn(by, by > 0 ? "next" : "last");
}

// To the next item of a grouped section, to the next row of a gallery.
function stepItem(by) {
  const card = cardAt();
  if (!card) return;
  const drawn = [...list.querySelectorAll(".item")];
  if (sections.get(view.section).is_grouped) {
    const next = drawn[drawn.indexOf(card.closest(".item")) + by];
    if (next) goTo(next.querySelector(".card"));
    else turn(by, by > 0 ? "next" : "last");
    return;
  }
  const { left, top } = card.getBoundingClientRect();
  const beyond = drawn.filter((one) => (one.getBoundingClientRect().top - top) * by > 8);
  const row = by > 0 ? beyond : beyond.reverse();
  const next = row.find((one) => Math.abs(one.getBoundingClientRect().left - left) < 8) || row[0];
  if (next) goTo(next);
  else turn(by, by > 0 ? "next" : "last");
}

function goOn(item) {
  const drawn = [...list.querySelectorAll(".item")];
  const next = drawn.slice(drawn.indexOf(nodeOf(item)) + 1).find((one) => !one.classList.contains("settled"));
  if (next) goTo(next.matches(".card") ? next : next.querySelector(".card"));
  else turn(1, "next");
}

function goBackTo(step) {
  const card = step.answers.map(([sha256]) => list.querySelector(`.card[data-sha256="${sha256}"]`)).find(Boolean);
  const item = list.querySelector(`.item[data-key="${step.agreed[0]}"]`);
  const target = card || (item?.matches(".card") ? item : item?.querySelector(".card"));
  if (target) goTo(target);
}

const onPhoto = {
  keep: (item, photo) => decideAndGoOn(item, photo, "keep"),
  drop: (item, photo) => decideAndGoOn(item, photo, "drop"),
  relabel: async (item, photo) => (await relabel(withCopies(item, photo), item.suggested)) && single(item) && goOn(item),
  together: (item, photo) => putTogether([photo]),
  accept: (item, photo) => {
    if (!item.suggested) return;
    change(`class ${item.suggested}`, verdicts(withCopies(item, photo), "relabel", { label: item.suggested }));
    goOn(item);
  },
  clear: (item, photo) => clear([photo]),
  why: (item, photo) => giveReason(photo),
  look: (item, photo) => lookCloser(item, photo),
  select: (item, photo) => {
    if (!state.selected.delete(photo)) state.selected.add(photo);
    tell(`${state.selected.size} selected`);
  },
};

const single = (item) => item.photos.length === 1;

function decideAndGoOn(item, photo, decision) {
  decide([photo], decision);
  // Of two photos, what becomes of one settles the other.
  if (item.photos.length <= 2 && answer(photo).verdict?.decision === decision && isSettled(item)) goOn(item);
}

const onItem = {
  agree: (item) => (change("right as it is", new Map(), [item.key]), goOn(item)),
  label: (item, label) => (allAre(item, label), goOn(item)),
  different: (item) => single(item) || (keepAll(item), isSettled(item) && goOn(item)),
  group: async (item) => (await putTogether(item.photos)) && goOn(item),
  fix: (item) => view.section === "copies" && (fix(item), goOn(item)),
  all: (item) => {
    const photos = nodeOf(item).querySelector(".photos");
    const rest = item.photos.slice(MAX_MEMBERS);
    photos.append(...rest.map((photo, number) => drawCard(item, photo, MAX_MEMBERS + number + 1)));
    nodeOf(item).querySelector("[data-do=all]").remove();
  },
};

// What was decided is selected no more, or the next decision would fall on it too.
function selectNone(what = status.textContent) {
  state.selected.clear();
  tell(what);
}

const onSelected = {
  "keep-selected": () => (decide([...state.selected], "keep"), selectNone()),
  "drop-selected": () => (decide([...state.selected], "drop"), selectNone()),
  "relabel-selected": async () => (await relabel([...state.selected])) && selectNone(),
  "together-selected": () => putTogether([...state.selected]),
  none: () => selectNone("none selected"),
};

const onPage = {
  save,
  undo: () => {
    const last = undo();
    if (last) goBackTo(last);
  },
  back: () => turn(-1, "first"),
  on: () => turn(1, "first"),
  "agree-all": agreeWithAll,
  help: () => ask("help", () => {}),
};

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-do]");
  if (!target || target.closest("dialog")) return;
  const action = target.dataset.do;
  const item = itemOf(target);
  const card = target.closest(".card");
  if (card) goTo(card);
  if (card && onPhoto[action]) onPhoto[action](item, card.dataset.sha256);
  else if (item && onItem[action]) onItem[action](item, target.dataset.value);
  else (onSelected[action] || onPage[action])?.();
});

const LETTERS = {
  k: "keep", d: "drop", r: "relabel", t: "together", y: "accept", c: "clear", w: "why", x: "select", Enter: "look", " ": "look",
  a: "agree", b: "different", g: "group", f: "fix", u: "undo", s: "save", "[": "back", "]": "on", "?": "help",
};
const MOVES = {
  ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => stepItem(1), ArrowUp: () => stepItem(-1), j: () => stepItem(1),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("dialog, input:not([type=checkbox]), select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("button, a, input, summary") && ["Enter", " "].includes(event.key)) return;
  const card = cardAt();
  const item = itemOf(card);
  const label = item?.labels[Number(event.key) - 1];
  const action = LETTERS[event.key];
  if (MOVES[event.key]) MOVES[event.key]();
  else if (label) onItem.label(item, label);
  else if (onPhoto[action] && card) onPhoto[action](item, card.dataset.sha256);
  else if (onItem[action] && item) onItem[action](item);
  else if (onPage[action]) onPage[action]();
  else return;
  event.preventDefault();
});

filters.addEventListener("change", () => {
  for (const name of ["facet", "label", "batch", "state"]) view[name] = filters.elements[name].value;
  view.page = 0;
  arrange();
  draw();
});
filters.addEventListener("submit", (event) => event.preventDefault());
for (const name of ["label", "group"]) {
  const input = document.querySelector(`dialog input[name=${name}]`);
  input.addEventListener("input", () => refuseBadNames(input));
}
for (const closer of document.querySelectorAll("dialog [data-close]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close(""));
}
window.addEventListener("hashchange", () => show(location.hash.slice(1)));
window.addEventListener("beforeunload", (event) => unsaved().length && event.preventDefault());

const numRecalled = recall();
fill(filters.elements.label, "all", data.labels, "");
fill(filters.elements.batch, "all", data.batches, "");
document.querySelector("#relabel .choices").replaceChildren(
  ...data.labels.filter(isName).map((label) => element("button", { type: "button", "data-label": label }, label)),
);
document.querySelector("#relabel").addEventListener("click", (event) => {
  const { label } = event.target.dataset;
  if (!label) return;
  const form = event.target.form;
  form.elements.label.value = label;
  refuseBadNames(form.elements.label);
  form.requestSubmit(form.querySelector("[value=ok]"));
});
document.querySelector("#labels").replaceChildren(...data.labels.map((value) => element("option", { value })));
document.querySelector(".review").hidden = false;
show(location.hash.slice(1));
if (numRecalled) tell(`${numRecalled} decisions from before this run are not saved yet`);
