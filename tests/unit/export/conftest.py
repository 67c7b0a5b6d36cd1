import keras
import pytest
import tensorflow as tf
from exported_models import CLASSES, Exported, photo

from pipeline.core.training_parameters import TrainParameters
from pipeline.export.extras import write_extras
from pipeline.export.servable import Servable, ServableFacts, write_saved_model
from pipeline.learning.classifier import build_classifier
from pipeline.learning.pixels import PixelLimits, photos_to_pixels


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, photos: list[bytes]) -> Exported:
    """An untrained network of three classes that is unsure of the photos, exported with its extras."""
    keras.utils.set_random_seed(2)
    train = TrainParameters.model_validate({"width": 0.25, "image_size": 32, "phases": [{"epochs": 1}]})
    classifier = build_classifier(train, len(CLASSES))
    limits = PixelLimits(max_bytes=100_000, max_pixels=100_000)
    logits = classifier.network(photos_to_pixels(tf.constant(photos), train.image_size, limits), training=False).numpy()
    last = classifier.head.layers[-1]
    scale = 0.2 / logits.std(axis=0).max()
    last.kernel.assign(last.kernel * scale)
    last.bias.assign(-logits.mean(axis=0) * scale)
    facts = ServableFacts(CLASSES, (0.1, 0.5, 0.4), 0.5, train.image_size, limits)
    folder = tmp_path_factory.mktemp("export") / "saved_model"
    write_saved_model(Servable(classifier, facts), folder)
    write_extras(folder, facts, "tiny")
    return Exported(folder, classifier, facts, tf.saved_model.load(str(folder)))


@pytest.fixture(scope="session")
def photos() -> list[bytes]:
    """Photos of several shapes and both formats."""
    return [photo(1), photo(2, (21, 64)), photo(3, (64, 21), "PNG"), photo(4, (32, 32), "PNG")]
