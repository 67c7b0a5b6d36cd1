// Questions that need more than a key. Each gives a promise of the answer, or of null where it was closed.
function ask(name, prepare) {
  const dialog = document.querySelector(`#${name}`);
  const form = dialog.querySelector("form");
  const back = document.activeElement;
  form.reset();
  dialog.returnValue = "";
  prepare(form);
  dialog.showModal();
  return new Promise((resolve) => {
    const closed = () => {
      back?.isConnected && back.focus({ preventScroll: true });
      resolve(dialog.returnValue === "ok" ? form : null);
    };
    dialog.addEventListener("close", closed, { once: true });
  });
}

function refuseBadNames(input) {
  const isBad = input.value.trim() !== "" && !isName(input.value.trim());
  input.setCustomValidity(isBad ? "up to 100 visible characters that do not begin with = + - or @" : "");
}

async function askLabel(count, suggested) {
  const form = await ask("relabel", (shown) => {
    shown.querySelector(".count").textContent = count === 1 ? "this photo" : `these ${count} photos`;
    shown.elements.label.value = suggested || "";
    shown.elements.label.select();
  });
  return form && form.elements.label.value.trim();
}

async function askGroup(count) {
  const form = await ask("together", (shown) => {
    shown.querySelector(".count").textContent = count === 1 ? "This photo belongs" : `These ${count} photos belong`;
    const groups = new Set([...data.groups, ...decidedPhotos().map((sha256) => answer(sha256).together?.group)]);
    const known = [...groups].filter(Boolean).sort();
    shown.querySelector("datalist").replaceChildren(...known.map((group) => element("option", { value: group })));
    shown.elements.group.value = freshGroup(known);
    shown.elements.group.select();
  });
  return form && form.elements.group.value.trim();
}

function freshGroup(known) {
  let number = known.length + 1;
  while (known.includes(`group-${number}`)) number += 1;
  return `group-${number}`;
}

async function askReason(present) {
  const form = await ask("why", (shown) => {
    shown.elements.reason.value = present;
  });
  return form && form.elements.reason.value.replace(/\s+/g, " ").trim();
}

async function askWho() {
  if (state.by) return true;
  const form = await ask("who", () => {});
  if (form) state.by = form.elements.by.value.replace(/\s+/g, " ").trim();
  return Boolean(state.by);
}

async function confirmed(words) {
  return Boolean(await ask("sure", (shown) => (shown.querySelector("p").textContent = words)));
}

// Gives the sha256 of the photos on which the file's own answer shall stand, or null.
async function askConflicts(conflicts) {
  const form = await ask("conflicts", (shown) => {
    const rows = conflicts.map(({ sha256, theirs, mine }) => {
      const card = cards.get(sha256);
      const select = element("select", { name: sha256, "aria-label": `which holds for ${card ? placeOf(card) : sha256}` });
      select.append(element("option", { value: "theirs" }, `the file: ${saidOf(theirs)}`));
      select.append(element("option", { value: "mine" }, `here: ${saidOf(mine)}`));
      return element("li", {}, element("span", { class: "mono small" }, card ? placeOf(card) : sha256), " ", select);
    });
    shown.querySelector("ul").replaceChildren(...rows);
  });
  if (!form) return null;
  return new Set([...form.querySelectorAll("select")].filter((one) => one.value === "theirs").map((one) => one.name));
}

function saidOf(given) {
  const words = linesOf(given).map((line) => [line.decision, line.label || line.group].filter(Boolean).join(" "));
  const by = [...new Set(linesOf(given).map((line) => line.by))].filter(Boolean);
  return (words.join(", ") || "nothing") + (by.length ? ` (${by.join(", ")})` : "");
}

async function lookCloser(item, sha256) {
  await ask("look", (shown) => {
    const figures = item.photos.slice(0, MAX_MEMBERS).map((photo) => cards.get(photo)).filter((card) => card?.picture);
    const first = figures.findIndex((card) => card.sha256 === sha256);
    const near = first < 0 ? [] : [figures[first], ...figures.filter((_, place) => place !== first)].slice(0, 4);
    shown.querySelector(".large").replaceChildren(...near.map(drawLarge));
  });
}

function drawLarge(card) {
  const image = element("img", { src: card.original, alt: placeOf(card) });
  // Where the page was moved away from the photos, the small picture has to do.
  image.addEventListener("error", () => (image.src = card.picture), { once: true });
  const facts = [
    ["place", card.places.join("\n")],
    ["labels", card.labels.join(", ")],
    ["side", card.side],
    ["size", wordsOf(card)],
    ["sharpness", card.sharpness?.toFixed(3)],
    ...Object.entries(card.facts),
    ["sha256", card.sha256],
  ].filter(([, value]) => value);
  const list = element("dl", {}, ...facts.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]));
  return element("figure", {}, image, element("figcaption", {}, list));
}
