"""Where the files of one line of models lie: its served versions, its history and its lock."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipeline.core.errors import ParameterError
from pipeline.core.parameters import ModelParameters, Parameters
from pipeline.core.paths import Layout

JOURNAL_NAME = "promotions.jsonl"
STAGE_PREFIX = ".stage-"


@dataclass(frozen=True)
class ModelLine:
    """Paths of a line of models below the served folder."""

    served: Path
    """The folder that holds all lines, absolute."""
    name: str
    """Registered model and served model."""

    @property
    def folder(self) -> Path:
        """Numbered version folders, as model servers expect them."""
        return self.served / self.name

    @property
    def journal(self) -> Path:
        """What served when, and who decided so."""
        return self.folder / JOURNAL_NAME

    @property
    def lock(self) -> Path:
        """Held while a served version changes; one for all lines, which share the server and its configuration."""
        return self.served / ".lock"

    def golden(self, number: int) -> Path:
        """Golden photos of one version, outside its folder, which holds nothing but what its manifest lists."""
        return self.folder / ".golden" / f"{number}.json"

    def profile(self, number: int) -> Path:
        """What the photos were like that a version was trained on; versions registered without a profile have none."""
        return self.folder / ".profiles" / f"{number}.npz"

    @property
    def server_config(self) -> Path:
        """The model server's configuration of all lines."""
        return self.served / "models.config"

    def version(self, number: int) -> Path:
        """Folder of one version."""
        return self.folder / str(number)


def line_of(layout: Layout, parameters: Parameters) -> ModelLine:
    """The line of models that a run's parameters name."""
    return ModelLine((layout.home / parameters.serving.folder).resolve(), parameters.model.name)


def lines_with_history(layout: Layout, parameters: Parameters) -> list[str]:
    """Names of the lines of models that ever served, in the served folder that the parameters name."""
    return sorted(path.parent.name for path in line_of(layout, parameters).served.glob(f"*/{JOURNAL_NAME}"))


def of_line(parameters: Parameters, name: str | None) -> Parameters:
    """Parameters for another line of models.

    Args:
        parameters: of the checkout.
        name: of the line; None = that of the parameters.

    Raises:
        ParameterError: it cannot be the name of a line.
    """
    if name is None:
        return parameters
    try:
        return parameters.model_copy(update={"model": ModelParameters(name=name)})
    except ValidationError:
        raise ParameterError(
            f"{name!r} cannot be the name of a line of models",
            expected="letters, digits, `.`, `_` and `-`, starting with a letter or digit",
            todo="name a registered model",
        ) from None
