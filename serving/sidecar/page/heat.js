// Heat map over photo, with the same mathematics as the overlay that the server draws: the map covers the whole photo,
// bilinear with half-pixel centres, and heat 1 shows its colour at the full opacity.

/**
 * Stretch a map to a photo.
 * @param {number[][]} heatmap rows from the top, heat in [0, 1]
 * @returns {Uint8ClampedArray} heat of each pixel in 256 levels, row by row
 */
export function stretched(heatmap, width, height) {
  const across = neighbours(width, heatmap[0].length);
  const wide = heatmap.map((row) => {
    const levels = row.map((heat) => Math.round(255 * heat));
    return Uint8ClampedArray.from(across, ([low, high, share]) => mixed(levels[low], levels[high], share));
  });
  const stretched = new Uint8ClampedArray(width * height);
  neighbours(height, heatmap.length).forEach(([low, high, share], y) => {
    const [above, below] = [wide[low], wide[high]];
    for (let x = 0; x < width; x++) stretched[y * width + x] = mixed(above[x], below[x], share);
  });
  return stretched;
}

/**
 * Lay colours over a photo.
 * @param {ImageData} photo opaque
 * @param {Uint8ClampedArray} levels heat of each pixel, see `stretched`
 * @param {number[][]} colours red, green and blue of each of 256 levels
 * @param {number} opacity of the colours at heat 1, in [0, 1]
 * @returns {ImageData}
 */
export function laidOver(photo, levels, colours, opacity) {
  const shown = new ImageData(new Uint8ClampedArray(photo.data), photo.width, photo.height);
  const shares = Array.from({ length: 256 }, (_, level) => Math.round(level * opacity) / 255);
  for (let pixel = 0; pixel < levels.length; pixel++) {
    const level = levels[pixel];
    const share = shares[level];
    if (share === 0) continue;
    const colour = colours[level];
    for (let channel = 0; channel < 3; channel++) {
      const at = 4 * pixel + channel;
      shown.data[at] = mixed(shown.data[at], colour[channel], share);
    }
  }
  return shown;
}

/** Heat at a point of the photo, given as shares of its width and height in [0, 1]. */
export function heatAt(heatmap, x, y) {
  const [left, right, across] = neighbour(x, heatmap[0].length);
  const [above, below, down] = neighbour(y, heatmap.length);
  const along = (row) => mixed(row[left], row[right], across);
  return mixed(along(heatmap[above]), along(heatmap[below]), down);
}

function neighbours(size, cells) {
  return Array.from({ length: size }, (_, index) => neighbour((index + 0.5) / size, cells));
}

/** The two cells whose centres lie round a place in [0, 1], and the share of the second. */
function neighbour(place, cells) {
  const centre = Math.min(Math.max(place * cells - 0.5, 0), cells - 1);
  const low = Math.floor(centre);
  return [low, Math.min(low + 1, cells - 1), centre - low];
}

function mixed(one, other, share) {
  return one + (other - one) * share;
}
