"""The row of a photo that no rule has anything against."""

from pipeline.photos.records import PhotoRow

GOOD = PhotoRow(
    path="data/1st/wall/good.jpg", batch="1st", label="wall", sha256="0" * 64, num_bytes=9000, error="", format="JPEG",
    mode="RGB", orientation=1, width=200, height=150, phash=0, mirrored_phash=0, dhash=0, thumbnail=bytes(1024),
    brightness_low=0.1, brightness_high=0.9, entropy=7.0, sharpness=0.6, colourfulness=0.2,
    group="", mask="", url="", licence="", author="", taken_at="",
)  # fmt: skip
