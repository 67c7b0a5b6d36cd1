"""What is to be served: ModelServerConfig as typed values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.modelserver.errors import RequestError, StartError, invalid
from serving.modelserver.flags import BAD_FLAGS_EXIT_CODE, Flags
from serving.modelserver.versions import AllVersions, LatestVersions, SpecificVersions, VersionPolicy

_PLATFORMS = ("", "tensorflow")


@dataclass(frozen=True)
class ModelSettings:
    """One model: where its versions lie, which are wanted, and the names that some of them carry."""

    name: str
    base_path: Path
    policy: VersionPolicy = field(default_factory=LatestVersions)
    labels: Mapping[str, int] = field(default_factory=dict)


def settings_from_flags(flags: Flags) -> list[ModelSettings]:
    """Read what the server serves at its start.

    Raises:
        StartError: the config file cannot be read or used.
    """
    if flags.model_base_path is not None:
        return [ModelSettings(flags.model_name, flags.model_base_path)]
    if flags.model_config_file is None:
        return []
    try:
        return read_config_file(flags.model_config_file)
    except RequestError as error:
        raise StartError(
            f"--model_config_file={flags.model_config_file}: {error.message}",
            expected='a ModelServerConfig in text form: model_config_list { config { name: "..." base_path: "..." } }',
            todo="correct the file; an empty one starts a server that waits for a reload",
            exit_code=BAD_FLAGS_EXIT_CODE,
        ) from None


def read_config_file(path: Path) -> list[ModelSettings]:
    """Read a ModelServerConfig in protobuf text form.

    Raises:
        RequestError: the file cannot be read, is no such text, or asks for what `settings_from_proto` refuses.
    """
    try:
        config = text_format.Parse(path.read_text(encoding="utf-8"), model_server_config_pb2.ModelServerConfig())
    except OSError as error:
        raise invalid(f"cannot be read: {error.strerror}") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise invalid(f"not a ModelServerConfig: {error}") from None
    return settings_from_proto(config)


def settings_from_proto(config: model_server_config_pb2.ModelServerConfig) -> list[ModelSettings]:
    """Check a ModelServerConfig and turn it into settings, in its order.

    Raises:
        RequestError: INVALID_ARGUMENT with all that is wrong: missing or repeated names, missing paths, a platform
            other than TensorFlow, versions or labels that are no numbers from 0 up.
    """
    if config.HasField("custom_model_config"):
        raise invalid("custom_model_config is not supported; use model_config_list")
    models = config.model_config_list.config
    names = [model.name for model in models]
    problems = [f"model {name!r} is configured more than once" for name in sorted(set(names)) if names.count(name) > 1]
    for model in models:
        problems += [f"model {model.name!r}: {problem}" for problem in _problems(model)]
    if problems:
        raise invalid("; ".join(problems))
    return [
        ModelSettings(model.name, Path(model.base_path), _policy(model), dict(model.version_labels)) for model in models
    ]


def _problems(model: model_server_config_pb2.ModelConfig) -> Sequence[str]:
    problems = []
    if not model.name:
        problems.append("it has no name")
    if not model.base_path:
        problems.append("it has no base_path")
    if model.model_platform not in _PLATFORMS:
        problems.append(f"model_platform {model.model_platform!r} is not tensorflow")
    policy = model.model_version_policy
    if policy.WhichOneof("policy_choice") == "specific" and not policy.specific.versions:
        problems.append("the specific version policy names no version")
    problems += [f"version {number} is negative" for number in policy.specific.versions if number < 0]
    problems += [
        f"label {label!r} is empty or negative" for label, n in model.version_labels.items() if not label or n < 0
    ]
    return problems


def _policy(model: model_server_config_pb2.ModelConfig) -> VersionPolicy:
    policy = model.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return AllVersions()
        case "specific":
            return SpecificVersions(frozenset(policy.specific.versions))
        case _:
            return LatestVersions(policy.latest.num_versions or 1)
