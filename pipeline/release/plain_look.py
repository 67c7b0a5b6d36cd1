"""A plain look at an alias in MLflow, without MLflow's client: importing that takes longer than all else that a
reconciliation with nothing to do takes, and there is one each minute.
"""

import http.client
import json
import urllib.request
from urllib.parse import quote

from pipeline.release.registry import CHAMPION, SERVED_TAG

_SECONDS = 5.0


def champion_is(version: int, model: str, uri: str) -> bool:
    """Whether MLflow's server says that the alias `champion` names a version, and followed it there.

    Args:
        version: the version that serves.
        model: the registered model.
        uri: of MLflow.

    Returns:
        False also where nothing is known: MLflow is no server, does not answer, or wants to know who asks. Its client
        finds out, and says in words what is wrong.
    """
    if not uri.startswith(("http://", "https://")):
        return False
    address = f"{uri.rstrip('/')}/api/2.0/mlflow/registered-models/get?name={quote(model)}"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as response:  # noqa: S310
            known = json.load(response)["registered_model"]
        aliases = {alias["alias"]: alias["version"] for alias in known["aliases"]}
        tags = {tag["key"]: tag["value"] for tag in known["tags"]}
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return False
    return aliases.get(CHAMPION) == tags.get(SERVED_TAG) == str(version)
