"""No text shows a password; the store is opened with it all the same."""

import logging
import sys

import pytest
from mlflow.utils.credentials import get_default_host_creds

from mlplab.store.uri import PublicFormatter, hide_password, public, with_password

SECRETS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLPLAB_DATABASE_URI")


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without passwords; the test's own are forgotten at its end."""
    for name in SECRETS:
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://anna:s3cret@lab:5000/path", "http://lab:5000/path"),
        ("http://anna@lab", "http://lab"),
        ("http://anna:s3@cret@lab", "http://lab"),
        ("http://anna:s3/c?r#t@lab:5000", "http://lab:5000"),
        ("http://anna:12/34@lab", "http://anna:12/34@lab"),  # the port 12 and a path, as far as anyone can tell
        ("postgresql+psycopg2://anna:s3cret@lab/mlflow", "postgresql+psycopg2://lab/mlflow"),
        (
            "postgresql://lab/mlflow?user=anna&password=s3cret&x=1",
            "postgresql://lab/mlflow?user=anna&password=***&x=1",
        ),
        ("-uri: http://anna:s3cret@lab\n+uri: 'http://anna:n3w@lab'\n", "-uri: http://lab\n+uri: 'http://lab'\n"),
        ("no http://lab:5000/a@b and no anna@lab", "no http://lab:5000/a@b and no anna@lab"),
        ('{"uri":"http://lab:5000","mail":"anna@lab"}', '{"uri":"http://lab:5000","mail":"anna@lab"}'),
        ("sqlite:////home/anna@lab/mlflow.db", "sqlite:////home/anna@lab/mlflow.db"),
    ],
)
def test_a_uri_is_shown_without_its_password(text: str, shown: str) -> None:
    assert public(text) == shown


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"])
def test_the_passwords_of_mlflows_variables_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "s3cret/2")
    assert public("given s3cret/2, or as s3cret%2F2") == "given ***, or as ***"
    monkeypatch.setenv(name, "mlp")  # would blank half of every text
    assert public("mlplab") == "mlplab"


def test_a_server_is_asked_with_the_password_that_its_uri_no_longer_shows() -> None:
    shown = hide_password("https://anna:s3%40cret@lab:5000")
    assert shown == with_password(shown) == "https://lab:5000"
    credentials = get_default_host_creds(shown)
    assert (credentials.username, credentials.password) == ("anna", "s3@cret")
    assert public("s3@cret and s3%40cret") == "*** and ***"


@pytest.mark.parametrize("uri", ["postgresql://anna:s3cret@lab/mlflow", "mysql://lab/mlflow?password=s3cret"])
def test_a_database_is_opened_with_the_password_that_its_uri_no_longer_shows(uri: str) -> None:
    shown = hide_password(uri)
    assert "s3cret" not in shown
    assert with_password(shown) == uri
    assert with_password("postgresql://other/mlflow") == "postgresql://other/mlflow"
    assert "s3cret" not in public("could not log in with s3cret")


def test_a_log_shows_no_password_not_even_in_a_traceback() -> None:
    formatter = PublicFormatter("%(levelname)s: %(message)s")
    try:
        float("http://anna:s3cret@lab")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "at %s", ("http://anna:s3cret@lab",), sys.exc_info())
    text = formatter.format(record)
    assert text.startswith("ERROR: at http://lab\nTraceback")
    assert "ValueError: could not convert string to float: 'http://lab'" in text
    assert "s3cret" not in text
