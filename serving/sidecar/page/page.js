// The explanation page: photos in, answers out. This file joins the parts; each other file does one thing.

import { settings } from "./ask.js";
import { showHeatAt, showMap, showNoHeat, showPhoto } from "./detail.js";
import { openDoors } from "./doors.js";
import { List } from "./list.js";
import { MOST, Photo, Queue } from "./queue.js";
import { keepTelling } from "./readiness.js";
import { layOut } from "./sheets.js";
import { megabytes } from "./words.js";

const part = (id) => document.getElementById(id);
const on = (id, event, act) => part(id).addEventListener(event, act);

keepTelling(part("model"));
const limits = await settings().catch((error) => {
  note(`${error.words.came}. Expected: ${error.words.expected}. To do: ${error.words.to_do}, and load this page again.`);
  throw error;
});
const look = { colours: limits.colours, opacity: limits.opacity, box: true };
const queue = new Queue(limits, changed);
const list = new List(part("photos"), { choose, remove });
let chosen = null;
let toPrint = null;

part("limits").textContent =
  `${limits.formats.join(", ")}; up to ${megabytes(limits.max_bytes)} and ${limits.max_pixels / 1e6} megapixels each. ` +
  "Photos go to the server of this page and are not kept.";
openDoors(part("choose"), part("files"), give, note);

on("cancel", "click", () => queue.cancel(chosen));
on("again", "click", () => chosen.trouble.again());
on("again-all", "click", () => failed().forEach((photo) => photo.trouble.again()));
on("remove-all", "click", () => [...queue.photos.filter((photo) => photo !== chosen), chosen].forEach(remove));
on("controls", "submit", (event) => event.preventDefault());
on("class", "change", () => queue.ask(chosen, part("class").value));
on("opacity", "input", () => redraw({ opacity: part("opacity").valueAsNumber }));
on("box", "change", () => redraw({ box: part("box").checked }));
on("canvas", "pointermove", (event) => showHeatAt(event, chosen));
on("canvas", "pointerleave", showNoHeat);
on("download", "click", () => download(chosen));
on("print", "click", () => print(chosen));
on("print-all", "click", () => window.print());
addEventListener("beforeprint", () => layOut(part("sheets"), toPrint ?? queue.photos, look));
addEventListener("afterprint", () => layOut(part("sheets"), [], look));
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen !== null) queue.cancel(chosen);
});

function give(files, names) {
  const room = MOST - queue.photos.length;
  note(
    files.length <= room
      ? ""
      : `This page holds ${MOST} photos at a time; ${files.length - room} were left out. ` +
          "Remove some first, or ask about whole folders with `pipeline predict`.",
  );
  const photos = files.slice(0, room).map((file, index) => new Photo(file, names[index]));
  for (const photo of photos) {
    list.add(photo);
    queue.add(photo);
  }
  if (photos.length > 0) choose(photos[0]);
}

function choose(photo) {
  chosen = photo;
  list.choose(photo);
  changed(photo);
}

function remove(photo) {
  const next = queue.photos.indexOf(photo);
  queue.remove(photo);
  list.remove(photo);
  if (chosen === photo) chosen = null;
  const neighbour = queue.photos[next] ?? queue.photos.at(-1);
  if (neighbour === undefined) part("choose").focus();
  else list.focus(neighbour);
  if (chosen === null && neighbour !== undefined) choose(neighbour);
  showProgress();
}

function changed(photo) {
  list.show(photo);
  if (photo === chosen) showPhoto(photo, look);
  showProgress();
}

function redraw(change) {
  Object.assign(look, change);
  showMap(chosen, look);
}

function showProgress() {
  const { photos } = queue;
  const numAnswered = photos.filter(({ answer }) => answer !== null).length;
  const numDone = photos.filter(({ busy }) => busy === "").length;
  const numFailed = failed().length;
  part("desk").hidden = photos.length === 0;
  part("choose").classList.toggle("small", photos.length > 0);
  part("progress").max = Math.max(photos.length, 1);
  part("progress").value = numDone;
  part("progress").hidden = numDone === photos.length;
  part("again-all").hidden = numFailed < 2;
  part("print-all").disabled = numAnswered === 0;
  const text = `${numAnswered} of ${photos.length} answered` + (numFailed > 0 ? `, ${numFailed} failed` : "");
  if (part("status").textContent !== text) part("status").textContent = text;
}

function failed() {
  return queue.photos.filter(({ trouble }) => trouble !== null && trouble.again !== null);
}

function download(photo) {
  const stem = photo.name.replace(/\.[^.]*$/, "");
  const name = `${stem}, grounds for ${photo.answer.explained_class}.png`.replace(/[/\\:*?"<>|]/g, "-");
  queue.fetchOverlay(photo, look.opacity, (image) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(image);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}

function print(photo) {
  toPrint = [photo];
  window.print();
  toPrint = null;
}

function note(text) {
  part("note").textContent = text;
  part("note").hidden = text === "";
}
