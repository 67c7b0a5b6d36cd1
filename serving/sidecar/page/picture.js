// Photos as pixels: decoded upright, and drawn with heat map and box.

import { overlay } from "./ask.js";
import { laidOver, stretched } from "./heat.js";

// The long side of a photo as it is shown, in pixels: its full resolution is the server's matter, and maps are drawn
// smoothly over small ones too.
const SHOWN_SIDE = { least: 640, most: 1280 };
const THUMB_SIDE = { least: 1, most: 112 };

/**
 * The pixels of a photo, upright, on white where it is transparent.
 * @returns {Promise<{pixels: ImageData, thumb: HTMLCanvasElement}>}
 */
export async function pictureOf(file, answer, signal) {
  let bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (bitmap === null || bitmap.width !== answer.width || bitmap.height !== answer.height) {
    // This browser cannot read the photo, or not as the server does: an overlay without colours is the upright photo.
    bitmap = await createImageBitmap(await overlay(file, null, 0, signal));
  }
  const canvas = drawnWithin(bitmap, SHOWN_SIDE);
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const thumb = drawnWithin(bitmap, THUMB_SIDE);
  bitmap.close();
  return { pixels, thumb };
}

/** Draw a photo of an answer as it is. */
export function drawPlain(canvas, { pixels }) {
  sized(canvas, pixels).putImageData(pixels, 0, 0);
}

/**
 * Draw a photo with the heat map of its answer.
 * @param {{colours: number[][], opacity: number, box: boolean}} look
 */
export function drawOverlay(canvas, { pixels }, answer, look) {
  const levels = levelsOf(answer, pixels);
  sized(canvas, pixels).putImageData(laidOver(pixels, levels, look.colours, look.opacity), 0, 0);
  if (look.box && answer.hottest_box !== null) drawBox(canvas, answer);
}

let last = {};

/** Levels of the answer that is looked at; moving the slider needs them again and again. */
function levelsOf(answer, pixels) {
  if (last.answer !== answer) last = { answer, levels: stretched(answer.heatmap, pixels.width, pixels.height) };
  return last.levels;
}

function sized(canvas, { width, height }) {
  canvas.width = width;
  canvas.height = height;
  canvas.style.setProperty("--ratio", width / height);
  return canvas.getContext("2d");
}

function drawnWithin(bitmap, side) {
  const stored = Math.max(bitmap.width, bitmap.height);
  const scale = Math.min(Math.max(stored, side.least), side.most) / stored;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** White within black: it shows on any photo and any colour of heat. */
function drawBox(canvas, { hottest_box: box, width }) {
  const pen = canvas.getContext("2d");
  const scale = canvas.width / width;
  const thick = Math.max(1, Math.max(canvas.width, canvas.height) / 300);
  const corners = [box.left, box.top, box.width, box.height].map((length) => length * scale);
  for (const [colour, share] of [["black", 3], ["white", 1]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = share * thick;
    pen.strokeRect(...corners);
  }
}
