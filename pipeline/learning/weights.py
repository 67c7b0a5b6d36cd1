"""Which pretrained weights are at hand: asked once, by `make recipe`, and written down by hash."""

from pipeline.core.errors import MachineError
from pipeline.core.parameters import EmbedParameters, Parameters
from pipeline.core.recipes import Recipe
from pipeline.learning.backbones import IMAGENET, WITHOUT_WEIGHTS, build_backbone, load_weights


def resolve(recipe: Recipe) -> tuple[Parameters, str]:
    """Choose the recipe's own backbone, or its offline substitute where those weights are out of reach.

    Args:
        recipe: as read from its file.

    Returns:
        Parameters with the hash of each weights file they name, and a line that says which backbone was chosen.

    Raises:
        MachineError: neither the recipe's weights nor its substitute's can be loaded.
        ParameterError: the recipe names an unknown backbone.
    """
    parameters = recipe.parameters()
    if parameters.train.weights == WITHOUT_WEIGHTS:
        return _with_embedding(parameters), f"{parameters.train.backbone}, trained from scratch"
    try:
        return _with_embedding(_with_train_hash(parameters)), f"{parameters.train.backbone} with its own weights"
    except MachineError:
        if not recipe.offline:
            raise
    substitute = _with_train_hash(recipe.parameters(offline=True))
    chosen = f"{substitute.train.backbone} in place of {parameters.train.backbone}, whose weights are out of reach"
    return _with_embedding(substitute), chosen


def _with_train_hash(parameters: Parameters) -> Parameters:
    train = parameters.train
    digest = _hash(train.backbone, train.width, train.image_size, train.weights)
    return parameters.model_copy(update={"train": train.model_copy(update={"weights_sha256": digest})})


def _with_embedding(parameters: Parameters) -> Parameters:
    embed = parameters.embed
    if embed.backbone is None:
        return parameters
    try:
        digest = _hash(embed.backbone, embed.width, embed.image_size, IMAGENET)
    except MachineError:
        return parameters.model_copy(update={"embed": EmbedParameters()})
    return parameters.model_copy(update={"embed": embed.model_copy(update={"weights_sha256": digest})})


def _hash(backbone: str, width: float | None, image_size: int, weights: str) -> str:
    return load_weights(build_backbone(backbone, width, image_size), backbone, width, weights)
