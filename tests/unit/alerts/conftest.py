from pathlib import Path

import pytest
from alert_places import write_certificate

from pipeline.alerts.sending import PASSWORD, TARGET

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (TARGET, PASSWORD, "SSL_CERT_FILE", *_PROXIES, *map(str.upper, _PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that this machine does not trust, with its key."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem")
