import pytest

from activation_search.passwords import without_password, without_passwords


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@host/db",
        "postgresql+psycopg://me:hunter2@host:5432/db?sslmode=require",
        "mysql+pymysql://me:hunter2@host/db",
        "postgresql://me:hun@hunter2@host/db",
        "postgresql://me:hunter2/x@host/db",
        "postgresql://:hunter2@host/db",
        "postgresql://host/db?user=me&password=hunter2",
        "postgresql://host/db?password=hunter2&user=me",
        "mysql://host/db?PASSWD=hunter2",
        "postgresql://me:hunter2@/db?host=/var/run",
        "postgresql://me:it'shunter2@host/db",
        'postgresql://me:it"shunter2@host/db',
        "postgresql://host/db?password=it'shunter2&user=me",
    ],
)
@pytest.mark.parametrize("text", ["{}", "storage={}", "Cannot open '{}': no.", "a {} b {}"])
def test_no_password_is_left(url: str, text: str) -> None:
    shown = without_passwords(text.replace("{}", url))
    assert "hunter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me@host/db",
        "sqlite:///a.db",
        "journal:///a/b@c/journal.log",
        "mail me@host: a note",
        "Cannot write a:b@c.",
    ],
)
def test_nothing_else_changes(text: str) -> None:
    assert without_passwords(text) == text


def test_the_rest_of_the_url_stays() -> None:
    shown = without_passwords("trials=5 storage=postgresql://me:hunter2@host/db?sslmode=require")
    assert shown == "trials=5 storage=postgresql://me:***@host/db?sslmode=require"


@pytest.mark.parametrize(
    "word",
    [
        "storage=postgresql://me:a hunter2@host/db",
        "storage='postgresql://me:a\" hunter2@host/db'",
        "storage=postgresql://host/db?password=a hunter2",
    ],
)
def test_a_word_of_a_command_line_may_hold_blanks(word: str) -> None:
    assert "hunter2" not in without_password(word)
    assert "storage=" in without_password(word)
