"""``python src/serve.py`` on real runs, seen in a real browser."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from conftest import Project, opened, serious_findings
from mlplab.app.serve import _serve_models
from mlplab.errors import UserError

pytestmark = pytest.mark.slow  # real processes: `make test-slow`

SWEEP = [
    "-m",
    "data=digits",
    "hidden_sizes=[16]",
    "learning_rate=0.1",
    "log_every=10",
    "epochs=2",
    "activation=relu,tanh",
]
WINE = (
    "alcohol,strength,cultivar\n"
    + "13.5,strong,barolo\n12.1,light,barbera\n13.9,strong,barolo\n11.9,light,barbera\n" * 10
)


@pytest.fixture(scope="module")
def swept(project: Project) -> Project:
    """A table's model, and then a sweep of two activations."""
    (project.root / "wine.csv").write_text(WINE)
    table = [
        "data=csv",
        "data.path=wine.csv",
        "data.label=cultivar",
        "hidden_sizes=[4]",
        "epochs=1",
        "log_every=1",
        "batch_size=8",
    ]
    for arguments in (table, SWEEP):
        done = project.train(*arguments)
        assert done.returncode == 0, done.stderr
    return project


def run_of(project: Project, **params: str) -> str:
    (run,) = [run for run in project.runs() if params.items() <= run.data.params.items()]
    return str(run.info.run_id)


def model_folder(project: Project, run: str) -> Path:
    (card,) = [card for card in project.root.glob("mlruns/*/models/*/artifacts/MLmodel") if run in card.read_text()]
    return card.parent


@contextmanager
def serving(project: Project, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The command while it serves, its line, and its address."""
    with subprocess.Popen(
        [sys.executable, "src/serve.py", "port=0", *arguments], cwd=project.root, env=project.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", line)
            yield server, line, address
        finally:
            server.kill()


def shares(page: Page, place: int) -> list[float]:
    cells = page.locator("section.model").nth(place).locator("td:last-child")
    expect(cells).to_have_count(10)
    return [float(text) for text in cells.all_text_contents()]


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def asked(address: str, picture: bytes) -> list[float]:
    request = urllib.request.Request(address, picture, {"Content-Type": "image/png"})
    (answer,) = json.load(urllib.request.urlopen(request))["predictions"]
    return [round(value, 4) for value in answer["probabilities"].values()]


def test_the_winner_and_the_runner_up_see_what_is_drawn(swept: Project, browser: Browser, tmp_path: Path) -> None:
    with (
        serving(swept, "beside=runner-up") as (server, line, address),
        opened(browser, address, "status of 400") as page,
    ):
        names = page.locator("section.model h2").all_text_contents()
        assert line == f"{names[0]} beside {names[1]}: {address} (Ctrl-C ends it)\n"
        assert {name.split()[0] for name in names} == {"relu", "tanh"}

        page.locator("#pad").scroll_into_view_if_needed()
        box = page.locator("#pad").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 190, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 150, steps=5)
        page.mouse.move(box["x"] + 150, box["y"] + 240, steps=5)
        page.mouse.up()
        expect(page.locator("section.model .verdict").first).to_have_text(re.compile(r"^\d$"))
        for place in (0, 1):
            assert sum(shares(page, place)) == pytest.approx(1, abs=0.001)
        assert page.evaluate("document.getElementById('seen').width") == 8
        assert not serious_findings(page)

        picture = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
        (tmp_path / "digit.png").write_bytes(png(picture))
        page.set_input_files("#file", tmp_path / "digit.png")
        expected = [asked(f"{address}models/{place}/invocations", png(picture)) for place in (1, 2)]
        expect(page.locator("section.model").nth(1).locator("td:last-child").first).to_have_text(
            f"{expected[1][0]:.4f}"
        )
        assert [shares(page, place) for place in (0, 1)] == expected

        (tmp_path / "digit.png").write_bytes(b"no picture")
        page.set_input_files("#file", tmp_path / "digit.png")
        expect(page.locator("#problem")).to_contain_text("the picture: is no picture, or is damaged; takes PNG")

        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) == 130
        assert server.stderr is not None
        assert server.stderr.read() == ""


def test_a_digit_is_drawn_by_the_keyboard_and_by_dropping_a_picture(swept: Project, browser: Browser) -> None:
    with serving(swept) as (_, _, address), opened(browser, address) as page:
        assert page.locator("section.model").count() == 1
        page.locator("#pad").focus()
        for _ in range(8):
            page.keyboard.press("ArrowUp")
        page.keyboard.down("Shift")
        for _ in range(16):
            page.keyboard.press("ArrowDown")
        page.keyboard.up("Shift")
        verdict = page.locator("section.model .verdict")
        expect(verdict).to_have_text(re.compile(r"^\d$"))
        drawn = shares(page, 0)

        page.get_by_role("button", name="Clear").click()
        picture = np.full((8, 8), 255, np.uint8)
        page.evaluate(
            """bytes => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "digit.png", {type: "image/png"}));
                document.dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true}));
            }""",
            list(png(picture)),
        )
        expected = asked(f"{address}invocations", png(picture))
        assert expected != drawn
        expect(page.locator("section.model td:last-child").first).to_have_text(f"{expected[0]:.4f}")
        assert shares(page, 0) == expected


def test_a_model_of_a_tables_rows_has_a_page_with_an_example_that_works(swept: Project, browser: Browser) -> None:
    table = run_of(swept, **{"data.name": "csv"})
    with serving(swept, f"model={table}") as (_, _, address), opened(browser, address) as page:
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("section.model .verdict")).to_have_text(re.compile(r"^bar\w+, bar\w+$"))
        assert page.locator("section.model th").all_text_contents() == ["barbera", "barolo"]
        assert not serious_findings(page)
        command = page.locator("main > p > code").last.inner_text()
    assert command.startswith("curl -H 'Content-Type: application/json' -d '{\"dataframe_split\": ")


def test_the_help_names_what_can_be_typed(project: Project) -> None:
    done = project.run("serve", "--help")
    assert done.returncode == 0
    assert "beside=runner-up" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["port=70000"], "port=70000: takes a whole number from 0 to 65535"),
        (
            ["models=best"],
            "models=best: is no key=value of this command; did you mean model? it takes model, beside, ",
        ),
        (["model=nothing"], "model=nothing: takes best and runner-up (of the last sweep), a run's id, champion, "),
        (["model=champion"], "model=champion: no model is registered; the experiment has 3 runs and 1 sweep: "),
        (["beside=nothing"], "beside=nothing: takes best and runner-up (of the last sweep), a run's id, champion, "),
        (["tracking.uri=sqlite:///nowhere.db"], "tracking.uri=sqlite:///nowhere.db: no run is there yet"),
    ],
)
def test_a_mistake_is_named(swept: Project, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        _serve_models([f"tracking.uri={swept.uri}", *arguments])
    assert str(raised.value).startswith(message)


def test_models_that_take_other_rows_are_not_shown_side_by_side(swept: Project) -> None:
    table = run_of(swept, **{"data.name": "csv"})
    with pytest.raises(UserError) as raised:
        _serve_models([f"tracking.uri={swept.uri}", f"beside={table}"])
    assert str(raised.value) == (
        f"beside={table}: takes rows with the columns alcohol, strength, and model=best takes raw pixels, whole "
        "numbers from 0 to 16, of shape (N, 64) or (N, 8, 8); choose two that take the same"
    )


def test_a_port_that_is_in_use_is_one_message(swept: Project) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError) as raised:
            _serve_models([f"tracking.uri={swept.uri}", f"port={port}"])
    reason = "cannot be had (address already in use); take another, or port=0 for any"
    assert str(raised.value) == f"port={port}: {reason}"


def test_a_model_whose_files_were_changed_is_not_loaded(swept: Project) -> None:
    run = run_of(swept, activation="tanh")
    code = model_folder(swept, run) / "saved_classifier.py"
    whole = code.read_text()
    try:
        code.write_text(f"{whole}\nraise SystemExit('ran')\n")
        with pytest.raises(UserError, match="the files of its model are not those that it saved"):
            _serve_models([f"tracking.uri={swept.uri}", f"model={run}"])
    finally:
        code.write_text(whole)


def test_mlflows_own_commands_serve_the_model_and_write_its_container(swept: Project, tmp_path: Path) -> None:
    """`mlflow models build-docker` builds what `generate-dockerfile` writes; there is no Docker here."""
    run = run_of(swept, activation="relu")
    folder = model_folder(swept, run)
    mlflow = [sys.executable, "-m", "mlflow", "models"]
    generate = [
        *mlflow,
        "generate-dockerfile",
        "-m",
        str(folder),
        "-d",
        str(tmp_path / "image"),
        "--env-manager",
        "local",
    ]
    subprocess.run(generate, check=True, capture_output=True, timeout=200, env=swept.environment())
    assert f"COPY model_dir/{folder.name} /opt/ml/model" in (tmp_path / "image" / "Dockerfile").read_text()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [*mlflow, "serve", "-m", str(folder), "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        serve,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=swept.environment(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}"),  # it calls uvicorn
    ) as server:
        try:
            body = json.dumps({"inputs": [[0] * 64, [16] * 64], "params": {"probabilities": True}}).encode()
            named = json.loads(await_answer(f"http://127.0.0.1:{port}/invocations", body))["predictions"]
        finally:
            os.killpg(server.pid, signal.SIGKILL)
    assert [sum(row["probabilities"].values()) for row in named] == pytest.approx([1, 1])


def await_answer(address: str, body: bytes) -> bytes:
    deadline = time.monotonic() + 120
    while True:
        try:
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            answer: bytes = urllib.request.urlopen(request).read()
        except OSError:
            assert time.monotonic() < deadline, "it does not serve"
            time.sleep(0.3)
        else:
            return answer
