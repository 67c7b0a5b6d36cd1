import io

import numpy as np
import pytest
from PIL import Image

from pipeline.core.parameters import EmbedParameters
from pipeline.learning import backbones
from pipeline.learning.embedding import Embedder, making_of_vectors
from serving.contract import PhotoLimits

PARAMETERS = EmbedParameters(backbone="residual_small", image_size=64)


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((70, 50), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_a_vector_depends_on_the_photo_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "load_weights", lambda *_: "0" * 64)
    embedder = Embedder(PARAMETERS, PhotoLimits())
    photos = [photo(seed) for seed in range(32)]
    vectors = embedder.vectors_of(photos)
    assert vectors.shape == (32, 128)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embedder.vectors_of(photos[::-1])[::-1], vectors)
    np.testing.assert_array_equal(embedder.vectors_of(photos[3:8]), vectors[3:8])


def test_whatever_shapes_a_vector_changes_its_making() -> None:
    limits = PhotoLimits()
    makings = {
        making_of_vectors(PARAMETERS, limits, "a"),
        making_of_vectors(PARAMETERS, limits, "b"),
        making_of_vectors(PARAMETERS.model_copy(update={"image_size": 96}), limits, "a"),
        making_of_vectors(PARAMETERS, PhotoLimits(max_pixels=10**6), "a"),
    }
    assert len(makings) == 4
    assert making_of_vectors(PARAMETERS, PhotoLimits(), "a") in makings
