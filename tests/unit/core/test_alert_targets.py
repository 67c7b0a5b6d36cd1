import pytest

from pipeline.core.alert_targets import Mail, Webhook, parse_target, without_secrets
from pipeline.core.errors import ParameterError
from pipeline.core.parameters import parse_parameters
from pipeline.core.recipes import with_choices

HOOK = "https://hooks.example.org/services/T0/geheim?key=leise"


def refused(text: str) -> str:
    with pytest.raises(ValueError, match="no place for alerts") as caught:
        parse_target(text)
    return str(caught.value)


def test_the_log_is_no_place_to_send_to() -> None:
    assert parse_target("log") is None


def test_mail_has_the_usual_ports() -> None:
    assert parse_target("smtp://mail.example.org/?from=a@b.org&to=c@d.org") == Mail(
        "mail.example.org", 25, "a@b.org", ("c@d.org",)
    )
    assert parse_target("smtps://[::1]/?from=a@b.org&to=c@d.org") == Mail(
        "::1", 465, "a@b.org", ("c@d.org",), encrypted=True
    )


def test_mail_names_user_and_several_readers() -> None:
    target = parse_target("smtp://ada%40example.org@mail:587/?from=root@localhost&to=a+heritage@b.org,c@d.org")
    assert target == Mail("mail", 587, "root@localhost", ("a+heritage@b.org", "c@d.org"), user="ada@example.org")


def test_a_webhook_keeps_its_address_to_itself() -> None:
    target = parse_target(HOOK)
    assert isinstance(target, Webhook)
    assert target.address == HOOK
    assert "geheim" not in repr(target) + target.shown
    assert target.shown == without_secrets(HOOK) == "https://hooks.example.org/..."


@pytest.mark.parametrize(
    ("text", "problem"),
    (
        ("", "it is empty"),
        ("Log", "neither 'log' nor"),
        ("mailto:a@b.org", "neither 'log' nor"),
        ("https://hooks.example.org/a b", "a space"),
        ("https://hooks.example.org/a\nb", "a space"),
        ("https://hooks.example.örg/", "beyond ASCII"),
        ("https://", "no server"),
        ("https://hooks.example.org:0/", "the port is not"),
        ("https://hooks.example.org:99999/", "port cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://ada:geheim@hooks.example.org/", "neither user nor password"),
        ("smtp://mail/?from=a@b.org", "to=<address> is missing"),
        ("smtp://mail/?to=a@b.org", "from=<address> is missing"),
        ("smtp://mail/?from=a@b.org&to=", "to= does not name"),
        ("smtp://mail/?from=a@b.org,c@d.org&to=a@b.org", "more than one"),
        ("smtp://mail/?from=a@b.org&to=c@d.org%0D%0ABcc:e@f.org", "to= does not name"),
        ("smtp://mail/?from=a@b.org&to=<c@d.org>", "to= does not name"),
        ("smtp://mail/?from=a@b.org&to=c@d.org&cc=e@f.org", "'cc'"),
        ("smtp://ada:geheim@mail/?from=a@b.org&to=c@d.org", "HERITAGE_SMTP_PASSWORD"),
        ("smtp://a%0Ab@mail/?from=a@b.org&to=c@d.org", "the user holds"),
    ),
)
def test_what_is_no_place_is_refused_without_its_secrets(text: str, problem: str) -> None:
    message = refused(text)
    assert problem in message
    assert "geheim" not in message


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert refused("smtp://ada:geheim@/?to=b&cc=d").count(";") == 5  # two of them within the sentence on passwords


NEEDED = {"recipe": "a", "model": {"name": "a"}, "train": {"phases": [{"epochs": 1}]}}


def test_parameters_refuse_it_among_all_their_problems() -> None:
    with pytest.raises(ParameterError) as caught:
        parse_parameters({**NEEDED, "seed": -1, "notify": {"target": "https://a:geheim@b/"}}, "params.yaml")
    message = str(caught.value)
    assert "2 problems" in message
    assert "notify.target: no place for alerts: a webhook's address takes neither user nor password" in message
    assert "geheim" not in message


def test_what_is_logged_of_parameters_holds_no_webhook() -> None:
    parameters = parse_parameters({**NEEDED, "notify": {"target": HOOK}}, "test")
    assert parameters.model_dump(mode="json")["notify"]["target"] == "https://hooks.example.org/..."
    assert parameters.notify.target == HOOK
    assert with_choices(parameters, ["b"], None).notify.target == HOOK
