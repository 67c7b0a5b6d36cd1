"""Heat map over photo: where the grounds of an answer lie, in the photo's own resolution."""

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

DEFAULT_OPACITY = 0.6
COLD = 0.2
"""A map whose peak stays below this heat is cold: no place on it stands out."""

_HOTTEST = 2  # marks the cells of the hottest place; 1 are other hot ones
_STRIP_PIXELS = 1 << 18  # a strip's pixels stay in the processor's cache


def heatmap_over_photo(
    photo: Image.Image, heatmap: NDArray[np.float32], opacity: float = DEFAULT_OPACITY
) -> Image.Image:
    """Lay a heat map over the photo that it explains.

    The model saw the photo squashed to a square, so the map covers the whole photo whatever its aspect ratio: it is
    stretched to the photo's size, bilinear with half-pixel centres. Heat 0 is no claim and leaves the photo as it is,
    heat 1 shows the hot end of the colour scale (`inferno`) at the full opacity.

    Args:
        photo: mode RGB, upright; not changed.
        heatmap: (rows, columns) float32, heat in [0, 1]; values beyond are clipped.
        opacity: of the colours at heat 1, in [0, 1].

    Returns:
        A new RGB image of the photo's size.

    Raises:
        ValueError: the map is empty, not two-dimensional or not finite, the photo not RGB, or the opacity out of range.
    """
    if photo.mode != "RGB":
        raise ValueError(f"the photo has mode {photo.mode}; expected RGB: read it with serving.contract.read_upright")
    if heatmap.ndim != 2 or not heatmap.size or not np.isfinite(heatmap).all():
        raise ValueError(f"the heat map has shape {heatmap.shape}; expected finite heat as (rows, columns)")
    if not 0 <= opacity <= 1:
        raise ValueError(f"the opacity is {opacity}; expected 0 to 1")
    levels = Image.fromarray(np.rint(np.clip(heatmap, 0, 1) * 255).astype(np.uint8))
    blend = [round(level * opacity) for level in range(256)]
    result = photo.copy()
    strip_height = max(1, _STRIP_PIXELS // photo.width)
    for top in range(0, photo.height, strip_height):
        bottom = min(top + strip_height, photo.height)
        heat = _stretched(levels, photo.size, top, bottom)
        colours = heat.copy()
        colours.putpalette(colour_table())
        result.paste(colours.convert("RGB"), (0, top), heat.point(blend))
    return result


def hottest_box(heatmap: NDArray[np.float32], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Box round the hottest place of a heat map, in pixels of the photo that it explains.

    The place is the map's hottest cell (of equals the first in reading order) and all cells that hang together with it
    by their edges and have at least half of its heat. On the stretched map, heat falls to half of a lone cell's peak
    just at the edges of that cell.

    Args:
        heatmap: (rows, columns) float32, heat in [0, 1].
        size: width and height of the upright photo in pixels.

    Returns:
        Left, top, right and bottom in pixels, right and bottom exclusive; None where the map is cold.
    """
    peak = float(heatmap.max())
    if peak < COLD:
        return None
    row, column = (int(index) for index in np.unravel_index(heatmap.argmax(), heatmap.shape))
    cells = Image.fromarray((heatmap >= peak / 2).astype(np.uint8)).copy()  # a copy may be written to
    ImageDraw.floodfill(cells, (column, row), _HOTTEST)
    rows, columns = np.nonzero(np.asarray(cells) == _HOTTEST)
    left, right = _pixels(columns, cells.width, size[0])
    top, bottom = _pixels(rows, cells.height, size[1])
    return left, top, right, bottom


@functools.cache
def colour_table() -> bytes:
    """Red, green and blue of heat 0 to 1 in 256 steps, as 768 bytes."""
    from matplotlib import colormaps  # a tenth of a second that only an overlay needs

    return colormaps["inferno"](np.arange(256), bytes=True)[:, :3].tobytes()


def _pixels(places: NDArray[np.intp], num_cells: int, length: int) -> tuple[int, int]:
    """First and last pixel, exclusive, of the cells at `places`; in whole numbers, as rounding would pass the edge."""
    first, last = int(places.min()), int(places.max()) + 1
    return first * length // num_cells, -(-last * length // num_cells)


def _stretched(levels: Image.Image, size: tuple[int, int], top: int, bottom: int) -> Image.Image:
    """Rows `top` to `bottom` of the map stretched to `size`; neighbouring strips meet without a seam."""
    width, height = size
    rows_per_pixel = levels.height / height
    box = (0, top * rows_per_pixel, levels.width, min(bottom * rows_per_pixel, levels.height))
    return levels.resize((width, bottom - top), Image.Resampling.BILINEAR, box=box)
