import smtplib
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from alert_places import HOST, MailServer, mail_server

from pipeline.alerts.book import Entry
from pipeline.alerts.mail import message, send_mail
from pipeline.core.alert_targets import Mail

ENTRY = Entry(
    "2026-11-21T04:00:00+00:00", "refusal", "Gewölbe: zu schlecht", "one\n.two\n" + "long " * 400, "a.html", 2
)


@pytest.fixture
def start() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def to(server: MailServer, user: str = "", encrypted: bool = False) -> Mail:
    return Mail(HOST, server.port, "heritage@example.org", ("ada@example.org", "bo@example.org"), user, encrypted)


def test_a_mail_says_all_that_the_alert_says(start: ExitStack) -> None:
    server = start.enter_context(mail_server(MailServer()))
    assert send_mail(ENTRY, to(server), "") == ""
    (mail,) = server.mails
    assert mail["Subject"] == "[heritage] refusal: Gewölbe: zu schlecht"
    assert (mail["From"], mail["To"]) == ("heritage@example.org", "ada@example.org, bo@example.org")
    assert mail["Date"].datetime.isoformat() == ENTRY.time
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content().replace("\r\n", "\n")
    assert "one\n.two\nlong long" in text
    assert "a.html" in text
    assert "2 times more" in text


def test_no_subject_becomes_a_header(start: ExitStack) -> None:
    server = start.enter_context(mail_server(MailServer()))
    with pytest.raises(ValueError, match="linefeed"):
        send_mail(Entry(ENTRY.time, "failure", "a\r\nBcc: eve@example.org", "", "", 0), to(server), "")
    assert not server.mails


def test_tls_is_used_where_it_is_offered(start: ExitStack, certificate: Path) -> None:
    server = start.enter_context(mail_server(MailServer(certificate)))
    send_mail(ENTRY, to(server), "")
    assert server.was_encrypted == [True]


def test_a_user_logs_in(start: ExitStack, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = start.enter_context(mail_server(MailServer(certificate, accounts={"ada": "geheim"})))
    send_mail(ENTRY, to(server, "ada"), "geheim")
    assert (server.logins, server.was_encrypted) == (["ada"], [True])
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send_mail(ENTRY, to(server, "ada"), "falsch")


def test_no_password_goes_to_a_server_that_nobody_vouches_for(start: ExitStack, certificate: Path) -> None:
    server = start.enter_context(mail_server(MailServer(certificate, accounts={"ada": "geheim"})))
    with pytest.raises(ssl.SSLCertVerificationError):
        send_mail(ENTRY, to(server, "ada"), "geheim")
    assert not server.logins


def test_no_password_goes_over_a_network_in_the_clear(start: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start.enter_context(mail_server(MailServer(accounts={"ada": "geheim"})))
    send_mail(ENTRY, to(server, "ada"), "geheim")
    monkeypatch.setattr("pipeline.alerts.mail._is_loopback", lambda host: False)
    with pytest.raises(ConnectionError, match="in the clear"):
        send_mail(ENTRY, to(server, "ada"), "geheim")
    assert server.logins == ["ada"]


def test_smtps_is_encrypted_from_the_first_byte(
    start: ExitStack, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start.enter_context(mail_server(MailServer(certificate, encrypted=True)))
    with pytest.raises(ssl.SSLCertVerificationError):
        send_mail(ENTRY, to(server, encrypted=True), "")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send_mail(ENTRY, to(server, encrypted=True), "")
    assert server.was_encrypted == [True]


def test_a_recipient_who_is_not_known_is_told(start: ExitStack) -> None:
    server = start.enter_context(mail_server(MailServer(unknown=["bo@example.org"])))
    assert send_mail(ENTRY, to(server), "") == " (but not to bo@example.org)"
    server.unknown = ["ada@example.org", "bo@example.org"]
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send_mail(ENTRY, to(server), "")


def test_each_mail_has_an_id_of_its_own() -> None:
    target = Mail(HOST, 25, "heritage@example.org", ("ada@example.org",))
    ids = {message(ENTRY, target)["Message-ID"] for _ in range(3)}
    assert len(ids) == 3
    assert all(name.endswith("@example.org>") for name in ids)
