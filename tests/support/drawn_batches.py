"""A whole batch drawn in one process."""

from collections.abc import Iterator

from pipeline.photos.drawing.batches import DrawnFile, draw_planned, photos_csv, plan_batch


def draw_batch(name: str, num_photos: int, seed: int) -> Iterator[DrawnFile]:
    """Draw all files of a batch: photos, masks and `photos.csv`."""
    plan = plan_batch(name, num_photos, seed)
    for photo in plan:
        yield from draw_planned(photo, name, seed)
    yield photos_csv(plan)
