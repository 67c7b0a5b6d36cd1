// Drawing: elements are made one by one and texts set as texts, since names of files and classes are anybody's.
const VERDICTS = [
  ["keep", "Keep", "k"],
  ["drop", "Drop", "d"],
  ["relabel", "Class", "r"],
  ["together", "Group", "t"],
];

const TITLES = {
  different: "They are different photos: none of them goes",
  group: "They belong together: they share a side",
  fix: "Write the proposal down, so that it stays so",
  agree: "Nothing to change: writes nothing, goes on",
};

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== "" && child !== null));
  return made;
}

function drawItem(item, place) {
  const section = sections.get(view.section);
  const photos = element("ul", { class: "photos" });
  const shown = item.photos.slice(0, MAX_MEMBERS);
  photos.append(...shown.map((photo, number) => drawCard(item, photo, number + 1)));
  if (!section.is_grouped) {
    const [card] = photos.children;
    card.dataset.key = item.key;
    card.classList.add("item");
    return card;
  }
  const heading = element("h2", { id: `item-${place}` }, item.title);
  const drawn = element("section", { class: item.photos.length < 3 ? "item group pair" : "item group", "aria-labelledby": heading.id, "data-key": item.key });
  drawn.append(element("header", {}, heading, ...drawFacets(item), ...item.lines.map(drawLine)));
  drawn.append(photos);
  if (shown.length < item.photos.length) {
    drawn.append(element("button", { type: "button", "data-do": "all" }, `Show all ${item.photos.length}`));
  }
  drawn.append(drawGroupButtons(item));
  repaint(drawn, item);
  return drawn;
}

function drawFacets(item) {
  return item.facets.map((facet) => element("span", { class: /^several/.test(facet) ? "chip bad" : "chip" }, facet));
}

function drawLine(line) {
  return element("p", { class: "small" }, line);
}

function drawGroupButtons(item) {
  const buttons = item.labels.slice(0, 9).map((label, place) => button("label", `All are ${label}`, String(place + 1), label));
  if (item.photos.length > 1) buttons.push(button("different", item.photos.length > 2 ? "Different: keep all" : "Different: keep both", "b"));
  if (item.photos.length > 1) buttons.push(button("group", "Together…", "g"));
  if (view.section === "copies") buttons.push(button("fix", "Fix", "f"));
  buttons.push(button("agree", "Right as it is", "a"));
  return element("div", { class: "buttons" }, ...buttons);
}

function button(action, words, letter, value = "") {
  const made = element("button", { type: "button", "data-do": action, "data-value": value, "aria-keyshortcuts": letter });
  if (TITLES[action]) made.title = TITLES[action];
  made.append(words, " ", element("kbd", { "aria-hidden": "true" }, letter));
  return made;
}

function drawCard(item, sha256, number) {
  const card = cards.get(sha256);
  const made = element("li", { class: "card", tabindex: "-1", "data-sha256": sha256 });
  const name = card ? `photo ${number}: ${card.labels.join(" and ") || "no label"}` : `a photo that is not in this run`;
  made.setAttribute("aria-label", name);
  made.append(drawPicture(card, name), drawCaption(item, card, sha256, number));
  const buttons = element("div", { class: "verdicts", role: "group", "aria-label": `decide on ${name}` });
  for (const [verdict, words, letter] of VERDICTS) {
    const attributes = { type: "button", "data-do": verdict, "aria-pressed": "false", "aria-keyshortcuts": letter };
    if (card) buttons.append(element("button", { ...attributes, title: `${words} (${letter})` }, words));
  }
  if (item.photos.length === 1 && item.section !== DECIDED && !sections.get(item.section).is_grouped) {
    buttons.append(button("agree", "Right as it is", "a"));
  }
  if (item.suggested) buttons.append(button("accept", `It is ${item.suggested}`, "y", item.suggested));
  const why = element("button", { type: "button", class: "link", "data-do": "why" }, "why…");
  const back = element("button", { type: "button", class: "link", "data-do": "clear" }, "take back");
  made.append(buttons, element("p", { class: "decided" }, element("span"), why, back));
  paintCard(made, sha256);
  return made;
}

function drawPicture(card, name) {
  if (!card?.picture) {
    const why = card ? card.error || "gone or changed since the last run" : "not in this run";
    return element("div", { class: "picture none" }, why);
  }
  const attributes = { src: card.picture, alt: name, loading: "lazy", decoding: "async", draggable: "false" };
  return element("button", { type: "button", class: "picture", "data-do": "look", tabindex: "-1" }, element("img", attributes));
}

function drawCaption(item, card, sha256, number) {
  const caption = element("div", { class: "caption" });
  const isGrouped = sections.get(view.section).is_grouped;
  const box = element("input", { type: "checkbox", "data-do": "select", "aria-label": `select photo ${number}` });
  const head = element("div", { class: "head" }, box);
  if (isGrouped) head.append(element("span", { class: "number" }, String(number)));
  head.append(element("strong", {}, card ? card.labels.join(" / ") || "no label" : "not in this run"));
  if (card) head.append(element("span", { class: card.stays ? "chip proposed good" : "chip proposed bad" }, card.stays ? "stays" : "goes"));
  if (card?.side) head.append(element("span", { class: "chip" }, card.side));
  caption.append(head);
  const note = item.notes[sha256];
  if (note) caption.append(element("p", { class: "note" }, note));
  if (!isGrouped) caption.append(...item.lines.map(drawLine));
  if (!isGrouped && item.title) head.append(element("span", { class: "chip unsure" }, item.title));
  if (card) caption.append(element("p", { class: "small muted" }, wordsOf(card, item.title)));
  caption.append(element("p", { class: "place mono" }, ...(card ? breakable(placeOf(card)) : [sha256])));
  return caption;
}

// Lines of a path break behind its folders.
function breakable(place) {
  return place.split(/(?<=\/)/).flatMap((part) => [part, element("wbr")]);
}

function wordsOf(card, title = "") {
  const size = card.width ? [`${card.width} × ${card.height}`, bytesOf(card)] : [];
  const files = card.places.length > 1 ? [`${card.places.length} files of equal bytes`] : [];
  return [...size, ...files, ...card.reasons.filter((reason) => reason !== title)].join(" · ");
}

function bytesOf(card) {
  const kilobytes = card.num_bytes / 1e3;
  return kilobytes < 1000 ? `${Math.ceil(kilobytes)} kB` : `${(kilobytes / 1e3).toFixed(1)} MB`;
}

function placeOf(card) {
  return card.places[0].replace(/^data\//, "");
}

// What a person decided, shown on a card and around a group.
function paintCard(drawn, sha256) {
  const { verdict, together } = answer(sha256);
  for (const each of drawn.querySelectorAll(".verdicts [aria-pressed]")) {
    const isPressed = each.dataset.do === "together" ? Boolean(together) : verdict?.decision === each.dataset.do;
    each.setAttribute("aria-pressed", String(isPressed));
  }
  drawn.dataset.verdict = verdict?.decision || "";
  const words = [verdict && [verdict.decision, verdict.label].filter(Boolean).join(": "), together && `group: ${together.group}`];
  const reason = [verdict?.reason, together?.reason].filter(Boolean);
  const isSaved = !state.edits.has(sha256) || state.edits.get(sha256).isSaved;
  const said = words.filter(Boolean).join(", ");
  const because = reason.length ? ` (${reason[0]})` : "";
  drawn.querySelector(".decided").hidden = !said;
  drawn.querySelector(".decided span").textContent = said + because + (isSaved ? "" : " *");
  drawn.querySelector("[data-do=select]").checked = state.selected.has(sha256);
  drawn.classList.toggle("selected", state.selected.has(sha256));
}

function repaint(drawn, item) {
  for (const card of drawn.matches(".card") ? [drawn] : drawn.querySelectorAll(".card")) {
    paintCard(card, card.dataset.sha256);
  }
  drawn.classList.toggle("settled", isSettled(item));
  drawn.classList.toggle("agreed", state.agreed.has(item.key));
}
