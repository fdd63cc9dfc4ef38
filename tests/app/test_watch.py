"""``python src/watch.py`` beside a real sweep, seen in a real browser."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from conftest import Project, opened, serious_findings
from mlplab.app.watch import _watch
from mlplab.errors import UserError

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`

SWEEP = [
    "-m", "data=digits", "hidden_sizes=[64,32]", "log_every=5", "epochs=60", "activation=relu",
    "learning_rate=1e9,0.1", "seed=0,1",
]  # fmt: skip


def command(*arguments: str) -> list[str]:
    return [sys.executable, "src/watch.py", *arguments]


def watch(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=project.root, env=project.environment(), capture_output=True, text=True, timeout=60
    )


@contextmanager
def watching(project: Project, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command while it serves, and its address."""
    with subprocess.Popen(
        command("port=0", *arguments), cwd=project.root, env=project.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as watcher:  # fmt: skip
        try:
            assert watcher.stdout is not None
            (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", watcher.stdout.readline())
            yield watcher, address
        finally:
            watcher.kill()


def await_frozen_jobs(project: Project) -> None:
    deadline = time.monotonic() + 60
    while not any(list(project.root.glob("mlruns/*/*/artifacts/manifest.json"))):
        assert time.monotonic() < deadline, "the sweep has not begun"
        time.sleep(0.1)


def test_a_sweep_is_watched_from_its_first_run_until_after_its_end(project: Project, browser: Browser) -> None:
    sweep = project.start(*SWEEP)
    await_frozen_jobs(project)
    with (
        watching(project) as (watcher, address),
        opened(browser, address, "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE") as page,
    ):
        expect(page.locator("h1")).to_contain_text("learning_rate=1e9,0.1")
        expect(page.locator("#progress .verdict")).to_contain_text("running: ")
        expect(page.locator("#ranking tr.group > th")).to_have_text(["lr=1e+09", "lr=0.1"])
        curve = page.locator("#curves-train-loss")
        expect(curve.locator(".main-svg").first).to_be_visible(timeout=30_000)
        page.evaluate("window.opened = true")

        failures = page.locator("#progress li")
        expect(failures).to_have_count(2, timeout=60_000)
        expect(failures.first).to_contain_text("lr=1e+09 seed=0: log, ")
        expect(failures.first).to_contain_text("learning_rate")

        _, errors = sweep.communicate(timeout=120)
        assert sweep.returncode == 1, errors  # two of its runs failed
        state = page.locator("#progress .verdict")
        expect(state).to_have_text("failed: 2 finished, 2 failed", timeout=30_000)
        expect(page.locator("#progress")).to_contain_text("ended ")
        expect(page.locator("#ranking tr.group").nth(1)).to_contain_text("2 finished")
        assert page.evaluate("window.opened"), "it brought itself up to date without being loaded again"
        assert not serious_findings(page)
        assert watcher.poll() is None
        assert urllib.request.urlopen(address).status == 200

        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(timeout=20) == 130
        assert watcher.stderr is not None
        assert watcher.stderr.read() == ""
        expect(page.locator("#connection")).to_contain_text("watch.py does not answer", timeout=20_000)


@pytest.fixture(scope="module")
def swept(project: Project) -> Project:
    """A project with a sweep: that of the test above, or one of its own where this test runs without it."""
    if not project.sweeps():
        project.train("-m", "data=digits", "hidden_sizes=[8]", "epochs=1", "seed=0,1")
    return project


def test_a_sweep_can_be_watched_after_its_end_by_its_id(swept: Project) -> None:
    sweep = swept.sweeps()[-1].data.tags["sweep.id"]
    with watching(swept, f"sweep={sweep}") as (_, address):
        text = urllib.request.urlopen(address).read().decode()
    assert f"sweep {sweep}: " in text


def test_another_name_for_the_address_is_refused(swept: Project) -> None:
    """A foreign page whose name leads to this machine cannot read the sweep."""
    with watching(swept) as (_, address):
        asked = urllib.request.Request(address, headers={"Host": "elsewhere.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(asked)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep=nothing"], "sweep=nothing: there is none; the experiment has "),
        (["port=70000"], "port=70000: takes a whole number from 0 to 65535"),
        (["port=here"], "port=here: Value 'here' of type 'str' could not be converted to Integer"),
        (
            ["colour=red"],
            "colour=red: is no key=value of this command; it takes sweep, port, tracking.experiment, tracking.uri",
        ),
        (["tracking.uri=sqlite:///nowhere.db"], "tracking.uri=sqlite:///nowhere.db: no run is there yet"),
    ],
)
def test_a_mistake_is_named(swept: Project, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        _watch([f"tracking.uri={swept.uri}", *arguments])
    assert str(raised.value).startswith(message)


def test_a_port_that_is_in_use_is_one_message(swept: Project) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = watch(swept, f"port={port}")
    assert done.returncode == 1
    reason = "cannot be had (address already in use); take another, or port=0 for any"
    assert done.stderr == f"ERROR: port={port}: {reason}\n"


def test_a_store_without_a_sweep_says_how_to_make_one(fresh_project: Project) -> None:
    fresh_project.train("data=digits", "hidden_sizes=[8]", "epochs=1")
    with pytest.raises(UserError) as raised:
        _watch([f"tracking.uri={fresh_project.uri}"])
    assert str(raised.value) == (
        "sweep: there is none to watch; the experiment has 1 run and 0 sweeps; `python src/train.py -m ...` makes one"
    )


def test_help_shows_what_can_be_typed(fresh_project: Project) -> None:
    done = watch(fresh_project, "--help")
    assert done.returncode == 0
    assert "port=8000" in done.stdout
