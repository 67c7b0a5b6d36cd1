"""What training sees: the sheet of random variants that `augment` drew."""

from PIL import Image

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.training_parameters import AugmentParameters
from pipeline.pages.page import share
from pipeline.pages.pictures import thumbnail
from pipeline.report.sections import Section, section_of

_MAX_PIXELS = 1400


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `variants`."""
    try:
        with Image.open(layout.reports("augment") / "variants.png") as drawn:
            sheet = thumbnail(drawn.convert("RGB"), _MAX_PIXELS)
    except OSError:
        sheet = ""
    return section_of("variants", "What training sees", sheet=sheet, changes=changes(parameters.augment))


def changes(parameters: AugmentParameters) -> list[str]:
    """The random changes of an epoch, in words; empty where photos are shown as they are."""
    amounts = {
        "shifted by up to {} of the side": parameters.shift,
        "brightness by up to {}": parameters.brightness,
        "contrast by up to {}": parameters.contrast,
        "saturation by up to {}": parameters.saturation,
        "hue by up to {} of the circle": parameters.hue,
    }
    found = {
        "mirrored": parameters.horizontal_flip,
        "turned upside down": parameters.vertical_flip,
        f"turned by up to {parameters.rotation_degrees:g} degrees": parameters.rotation_degrees > 0,
        f"cropped to no less than {share(parameters.min_crop_area)} of the area": parameters.min_crop_area < 1,
        **{words.format(share(amount)): amount > 0 for words, amount in amounts.items()},
    }
    return [words for words, is_on in found.items() if is_on]
