"""What a server tells about its models: states and signatures, as the messages that gRPC and REST share."""

from collections.abc import Sequence

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2

from serving.modelserver.catalogue import Address
from serving.modelserver.errors import invalid
from serving.modelserver.savedmodel import SavedModel
from serving.modelserver.versions import VersionStatus

SIGNATURE_DEF = "signature_def"


def address_of(spec: model_pb2.ModelSpec) -> Address:
    """Read which model a client means.

    Raises:
        RequestError: INVALID_ARGUMENT without a name.
    """
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    choice = spec.WhichOneof("version_choice")
    return Address(
        spec.name,
        version=spec.version.value if choice == "version" else None,
        label=spec.version_label if choice == "version_label" else None,
    )


def status_response(statuses: Sequence[VersionStatus]) -> get_model_status_pb2.GetModelStatusResponse:
    """Tell the state of versions; a refused one carries its error."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for status in statuses:
        entry = response.model_version_status.add(version=status.number, state=int(status.state))
        if status.error is None:
            entry.status.SetInParent()
        else:
            entry.status.error_code = status.error.code.value[0]
            entry.status.error_message = status.error.message
    return response


def metadata_response(
    name: str, version: int, model: SavedModel
) -> tuple[get_model_metadata_pb2.GetModelMetadataResponse, get_model_metadata_pb2.SignatureDefMap]:
    """Tell the signatures of a version.

    Returns:
        The response with model name and version, and the signatures that it holds in packed form.
    """
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for key, signature in model.signatures.items():
        signatures.signature_def[key].CopyFrom(signature.definition)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = name
    response.model_spec.version.value = version
    response.metadata[SIGNATURE_DEF].Pack(signatures)
    return response, signatures
