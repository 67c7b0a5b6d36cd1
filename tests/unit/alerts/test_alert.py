from pipeline.alerts.alert import Alert, Kind, tidy


def test_a_subject_is_one_line_whatever_a_batch_is_called() -> None:
    alert = tidy(Alert(Kind.QUARANTINE, " survey\r\nBcc: a@b.org\x1b[2J\u2028  2 ", link="reports\n/a"))
    assert alert.subject == "survey Bcc: a@b.org [2J 2"
    assert alert.link == "reports /a"


def test_text_keeps_its_lines_and_loses_control_characters() -> None:
    assert tidy(Alert(Kind.DRIFT, "a", "\none\ttab\n\n  two\x00\x9b\ud800\n")).text == "one tab\n\n  two"


def test_what_is_endless_is_cut() -> None:
    alert = tidy(Alert(Kind.FAILURE, "s" * 9_000, "t" * 90_000, "l" * 9_000))
    assert (len(alert.subject), len(alert.text), len(alert.link)) == (200, 8_000, 1_000)
    assert alert.text.endswith("t ...")


def test_a_subject_of_nothing_is_named_so() -> None:
    assert tidy(Alert(Kind.FAILURE, " \n ")).subject == "(no subject)"


def test_letters_of_every_language_stay() -> None:
    assert tidy(Alert(Kind.FAILURE, "Gewölbe 拱顶")).subject == "Gewölbe 拱顶"
