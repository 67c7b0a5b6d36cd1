"""An alert as mail."""

import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ipaddress import ip_address
from smtplib import SMTP, SMTP_SSL

from pipeline.alerts.book import Entry
from pipeline.alerts.wording import body, heading
from pipeline.core.alert_targets import Mail

_ATTEMPT_SECONDS = 10.0


def send_mail(entry: Entry, target: Mail, password: str) -> str:
    """Give an alert to a mail server; encrypted wherever the server can.

    Args:
        entry: what to say.
        target: the server, and who reads it.
        password: of the target's user, where there is one.

    Returns:
        Empty, or which of the recipients the server did not take.

    Raises:
        smtplib.SMTPException: the server refuses.
        OSError: it does not answer, or shows no certificate that this machine trusts.
    """
    with _connection(target) as server:
        server.ehlo()
        if not target.encrypted and server.has_extn("starttls"):
            server.starttls(context=_context(target))
            server.ehlo()
        elif not target.encrypted and target.user and not _is_loopback(target.host):
            raise ConnectionError("the server offers no TLS, and the password is not sent in the clear")
        if target.user:
            server.login(target.user, password)
        refused = server.send_message(message(entry, target))
    return f" (but not to {', '.join(refused)})" if refused else ""


def message(entry: Entry, target: Mail) -> EmailMessage:
    """The mail itself."""
    mail = EmailMessage()
    mail["From"] = target.sender
    mail["To"] = ", ".join(target.recipients)
    mail["Subject"] = f"[heritage] {heading(entry)}"
    mail["Date"] = format_datetime(datetime.fromisoformat(entry.time))
    mail["Message-ID"] = make_msgid(domain=target.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # asks out-of-office programs not to answer
    mail.set_content(f"{body(entry)}\n")
    return mail


def _connection(target: Mail) -> SMTP:
    if target.encrypted:
        return SMTP_SSL(target.host, target.port, timeout=_ATTEMPT_SECONDS, context=_context(target))
    return SMTP(target.host, target.port, timeout=_ATTEMPT_SECONDS)


def _context(target: Mail) -> ssl.SSLContext:
    """TLS settings: whom we give a password to, or who is named by `smtps://`, shows a certificate that is trusted.

    Without either a server may show any: the alternative to a doubtful encryption is none.
    """
    context = ssl.create_default_context()
    if not (target.user or target.encrypted):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
