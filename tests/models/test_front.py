"""MLflow's scoring servers behind their front, as any client on this machine sees them."""

import io
import json
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import Any

import numpy as np
import pandas as pd
import pytest
import uvicorn
from PIL import Image

from conftest import PROJECT
from mlplab.config import Engine
from mlplab.models.loading import LoadedModel
from mlplab.models.serving.front import MOST_BYTES, make_front

JSON, CSV, PNG = "application/json", "text/csv", "image/png"
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 784), dtype=np.uint8)
NAMES = ["digits", "small digits", "colour", "table", "numbers", "codes"]  # in this order at /models/1, /models/2, ...
WANTED = {"probabilities": True}


@dataclass
class Asked:
    """What was answered."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        assert set(self.body) == {"error_code", "message"}, self.body
        return str(self.body["message"])


@dataclass
class Front:
    """The front, served on a port of this machine."""

    port: int

    def ask(self, path: str, body: bytes | None = None, kind: str = JSON, **headers: str) -> Asked:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": kind, **headers})
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return Asked(answer.status, json.loads(answer.read() or "null"))
        except urllib.error.HTTPError as error:
            return Asked(error.code, json.loads(error.read()))

    def score(self, model: str, **asked: Any) -> Asked:
        return self.ask(f"/models/{NAMES.index(model) + 1}/invocations", json.dumps(asked).encode())


@contextmanager
def served(models: list[LoadedModel], told: int | None = None) -> Iterator[Front]:
    """The front on a port; ``told`` is one that it believes to be on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(2_048)
        port = bound.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(make_front(models, "<p>page</p>", told or port), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield Front(port)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def front(loaded: Callable[..., LoadedModel]) -> Iterator[Front]:
    with served([loaded(name, Engine.torch if name == "numbers" else Engine.numpy) for name in NAMES]) as started:
        yield started


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_raw_pixels_give_classes_and_on_demand_the_probability_of_each(
    front: Front, loaded: Callable[..., LoadedModel]
) -> None:
    expected = loaded("digits").predict(PIXELS)
    for inputs in (PIXELS.tolist(), PIXELS.reshape(-1, 28, 28).tolist()):
        assert front.score("digits", inputs=inputs).body == {"predictions": expected["class"].tolist()}
        named = front.score("digits", inputs=inputs, params=WANTED).body["predictions"]
        assert named == expected.to_dict("records")


def test_a_picture_gives_what_its_pixels_give(front: Front) -> None:
    picture = png(PIXELS[0].reshape(28, 28))
    (of_picture,) = front.ask("/invocations", picture, PNG).body["predictions"]
    assert [of_picture] == front.score("digits", inputs=PIXELS[:1].tolist(), params=WANTED).body["predictions"]
    shown = front.ask("/pixels", picture, PNG).body
    assert shown == {"pixels": PIXELS[0].reshape(28, 28).tolist(), "pixel_max": 255}


def test_a_digit_can_be_centred_first(front: Front) -> None:
    field = np.zeros((300, 300), np.uint8)
    field[20:120, 200:240] = 255
    pixels = np.array(front.ask("/pixels?centred=true", png(field), PNG).body["pixels"])
    assert pixels.shape == (28, 28)
    assert abs(np.argwhere(pixels).mean(axis=0) - 14).max() <= 0.5
    (of_picture,) = front.ask("/invocations?centred=true", png(field), PNG).body["predictions"]
    assert [of_picture] == front.score("digits", inputs=[pixels.tolist()], params=WANTED).body["predictions"]


def test_pictures_of_any_size_come_to_a_model_that_resizes(front: Front, loaded: Callable[..., LoadedModel]) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (2, 12, 9, 3), dtype=np.uint8)
    expected = loaded("colour").predict(pictures).to_dict("records")
    assert front.score("colour", inputs=pictures.tolist(), params=WANTED).body == {"predictions": expected}


def test_rows_of_a_table_come_as_json_or_csv(front: Front, loaded: Callable[..., LoadedModel]) -> None:
    frame = pd.DataFrame({"strength": ["light", "strong", "new"], "alcohol": [13, 12.5, 1 / 3]})
    expected = {"predictions": loaded("table").predict(frame).to_dict("records")}
    split = {"columns": list(frame), "data": frame.to_numpy().tolist()}
    assert front.score("table", dataframe_split=split, params=WANTED).body == expected
    assert front.score("table", dataframe_records=frame.to_dict("records"), params=WANTED).body == expected
    csv = frame.to_csv(index=False).encode()
    assert front.ask("/models/4/invocations", csv, CSV).body == expected
    labels = [row["class"] for row in expected["predictions"]]
    assert front.score("table", dataframe_split=split).body == {"predictions": labels}


@pytest.mark.parametrize("number", [2**64, 10**30])
def test_a_whole_number_beyond_64_bits_is_the_float_it_is(
    front: Front, loaded: Callable[..., LoadedModel], number: int
) -> None:
    frame = pd.DataFrame({"strength": ["light"], "alcohol": [float(number)]})
    expected = {"predictions": loaded("table").predict(frame).to_dict("records")}
    assert front.ask("/models/4/invocations", f"alcohol,strength\n{number},light\n".encode(), CSV).body == expected
    records = [{"alcohol": number, "strength": "light"}]
    assert front.score("table", dataframe_records=records, params=WANTED).body == expected


def test_text_that_looks_like_numbers_or_booleans_is_the_category_it_was_in_training(
    front: Front, loaded: Callable[..., LoadedModel]
) -> None:
    """A file of such rows alone: pandas would take them for numbers."""
    frame = pd.DataFrame({"code": ["01"] * 2, "flag": ["true"] * 2})
    expected = {"predictions": loaded("codes").predict(frame).to_dict("records")}
    unknown = loaded("codes").predict(pd.DataFrame({"code": ["1"] * 2, "flag": ["True"] * 2})).to_dict("records")
    assert expected["predictions"] != unknown
    assert front.ask("/models/6/invocations", frame.to_csv(index=False).encode(), CSV).body == expected
    assert front.score("codes", dataframe_records=frame.to_dict("records"), params=WANTED).body == expected


def test_numbers_reach_the_model_bit_by_bit(front: Front, loaded: Callable[..., LoadedModel]) -> None:
    rows = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float32)
    expected = loaded("numbers", Engine.torch).predict(rows).to_dict("records")
    assert front.score("numbers", inputs=rows.tolist(), params=WANTED).body == {"predictions": expected}


def test_what_mlflow_serves_besides_is_there(front: Front) -> None:
    import mlflow

    for path, body in (("/ping", "\n"), ("/models/2/health", "\n"), ("/version", mlflow.__version__)):
        with urllib.request.urlopen(f"http://127.0.0.1:{front.port}{path}") as answer:
            assert (answer.status, answer.read().decode()) == (200, body)


def test_what_the_model_itself_refuses_is_one_message_too(loaded: Callable[..., LoadedModel]) -> None:
    other = replace(loaded("digits"), model=loaded("numbers").model)  # a form that is not the model's
    with served([other]) as front:
        answer = front.ask("/invocations", json.dumps({"inputs": PIXELS.tolist()}).encode())
    assert answer.status == 400
    assert answer.message.startswith("the model does not take this: ")
    assert "\n" not in answer.message


SPLIT = {"columns": ["alcohol", "strength"], "data": [[13, "light"]]}
TAKES = "takes raw pixels, whole numbers from 0 to 255, of shape (N, 784) or (N, 28, 28)"
SEND = "send application/json with inputs, or a picture (image/png)"
WRONG = {
    "empty": ("/invocations", b"", JSON, f"the body is empty; {SEND}"),
    "no JSON": ("/invocations", b"{", JSON, "the body is no JSON (Expecting property name"),
    "no UTF-8": ("/invocations", b"\xff\xfe\x00", JSON, "the body is no JSON ("),
    "too deep": ("/invocations", b"[" * 100_000, JSON, "the body is no JSON ("),
    "a number of many digits": ("/invocations", b'{"inputs": ' + b"9" * 9_000 + b"}", JSON, "the body is no JSON ("),
    "a list": ("/invocations", b"[[1, 2]]", JSON, f"the body is JSON, but no object; {SEND}"),
    "no key": ("/invocations", b"{}", JSON,
               "the body has the keys: none; takes one of inputs and instances, and params"),
    "another key": ("/invocations", b'{"pixels": [[1]]}', JSON, "the body has the keys: pixels; takes one of inputs"),
    "half a character as a key": ("/invocations", rb'{"\ud800": 1}', JSON,
                                  r"the body has the keys: \ud800; takes one of"),
    "half a character as a column": ("/models/4/invocations",
                                     rb'{"dataframe_split": {"columns": ["\ud800"], "data": [[1]]}}', JSON,
                                     "dataframe_split: "),
    "half a character as a name": ("/models/4/invocations", rb'{"dataframe_records": [{"\ud800": 1}]}', JSON,
                                   "dataframe_records: "),
    "half a character in a cell": ("/models/4/invocations",
                                   rb'{"dataframe_records": [{"alcohol": 1, "strength": "\ud800"}]}', JSON,
                                   "dataframe_records: is no table; takes "),
    "half a character for a number": ("/models/4/invocations",
                                      rb'{"dataframe_records": [{"alcohol": "\ud800", "strength": "a"}]}', JSON,
                                      "dataframe_records: is no table; takes "),
    "half a character for a pixel": ("/invocations", rb'{"inputs": [["\ud800"]]}', JSON,
                                     f"inputs: holds text; {TAKES}"),
    "both keys": ("/invocations", b'{"inputs": [], "instances": []}', JSON,
                  "the body has the keys: inputs, instances"),
    "a table for pixels": ("/invocations", b'{"dataframe_split": {}}', JSON, "the body has the keys: dataframe_split"),
    "no rows": ("/invocations", b'{"inputs": []}', JSON, f"inputs: holds no rows; {TAKES}"),
    "one image": ("/invocations", json.dumps({"inputs": [0] * 784}).encode(), JSON,
                  f"inputs: has shape (784,); {TAKES}"),
    "too short": ("/invocations", json.dumps({"instances": [[0] * 783]}).encode(), JSON,
                  f"instances: has shape (1, 783); {TAKES}"),
    "text": ("/invocations", b'{"inputs": [["7", "8"]]}', JSON, f"inputs: holds text; {TAKES}"),
    "NaN": ("/invocations", b'{"inputs": [[NaN]]}', JSON, "the body holds NaN: takes finite numbers"),
    "infinite": ("/invocations", b'{"inputs": [[-Infinity]]}', JSON, "the body holds -Infinity: takes finite numbers"),
    "infinite by its digits": ("/models/5/invocations", b'{"inputs": [[1e999, 1, 1, 1]]}', JSON,
                               "inputs: holds NaN or an infinite number; takes finite numbers of shape (N, 4)"),
    "null": ("/invocations", b'{"inputs": null}', JSON, f"inputs: holds something that is no number; {TAKES}"),
    "params that are none": ("/invocations", b'{"inputs": [[0]], "params": 3}', JSON, "inputs: has shape (1, 1)"),
    "another type": ("/invocations", b"7", "text/plain", f"Content-Type text/plain: {SEND}"),
    "CSV for pixels": ("/invocations", b"a,b\n1,2\n", CSV, f"Content-Type text/csv: {SEND}"),
    "no picture": ("/invocations", b"no picture", PNG,
                   "the picture: is no picture, or is damaged; takes PNG, JPEG, WEBP, BMP, GIF"),
    "an empty drawing": ("/pixels?centred=true", png(np.zeros((280, 280), np.uint8)), PNG,
                         "the picture: shows nothing; draw a digit, or take a picture of one"),
    "a flag that is none": ("/invocations?centred=yes", png(np.zeros((28, 28), np.uint8)), PNG,
                            "centred=yes: takes true or false"),
    "a picture for a table": ("/models/4/invocations", png(np.zeros((28, 28), np.uint8)), PNG,
                              "Content-Type image/png: send application/json with dataframe_split or "
                              "dataframe_records, or text/csv"),
    "pixels of a table": ("/models/4/pixels", b"x", PNG, "this model takes no pictures: there are no pixels to show"),
    "no columns": ("/models/4/invocations", b'{"dataframe_split": {"data": [[1]]}}', JSON,
                   "dataframe_split: is no table; takes "),
    "rows of other lengths": ("/models/4/invocations", b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}',
                              JSON, "dataframe_split: is no table; takes "),
    "records that are none": ("/models/4/invocations", b'{"dataframe_records": 7}', JSON,
                              "dataframe_records: is no table; takes "),
    "a column twice": ("/models/4/invocations",
                       b'{"dataframe_split": {"columns": ["alcohol", "alcohol"], "data": [[1, 2]]}}', JSON,
                       "dataframe_split: has a column twice; takes each once"),
    "a column less": ("/models/4/invocations", b"alcohol\n13\n", CSV, "the table: lacks the column strength; takes "),
    "an empty cell": ("/models/4/invocations", b"alcohol,strength\n,light\n", CSV,
                      "the table: row 1 below the header, column alcohol is empty: takes a finite number"),
    "a number for text": ("/models/4/invocations", b'{"dataframe_records": [{"alcohol": 13, "strength": 7}]}', JSON,
                          "dataframe_records: row 0 (from 0), column strength is 7: takes text"),
    "a boolean for text": ("/models/4/invocations",
                           b'{"dataframe_split": {"columns": ["alcohol", "strength"], "data": [[1, "a"], [1, true]]}}',
                           JSON, "dataframe_split: row 1 (from 0), column strength is True: takes text"),
    "a number beyond every float": ("/models/4/invocations", b"alcohol,strength\n" + b"9" * 401 + b",light\n", CSV,
                                    "the table: row 1 below the header, column alcohol is 9999"),
    "no CSV": ("/models/4/invocations", b'"', CSV, "the table is no CSV in UTF-8 whose first line names the columns"),
    "no CSV in UTF-8": ("/models/4/invocations", b"\xff\n\xfe", CSV, "the table is no CSV in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_request_is_status_400_and_one_message(front: Front, what: str) -> None:
    path, body, kind, message = WRONG[what]
    answer = front.ask(path, body, kind)
    assert (answer.status, answer.body["error_code"]) == (400, "BAD_REQUEST")
    assert answer.message.startswith(message)
    assert "\n" not in answer.message
    assert len(answer.message) < 400


def test_the_documentation_shows_what_is_answered(front: Front) -> None:
    text = (PROJECT / "docs" / "serving.md").read_text(encoding="utf-8")
    (body,) = re.findall(r"-d '(\{.*?\})' http", text)
    (shown,) = re.findall(r'^\{"error_code".*\}$', text, re.M)
    assert front.ask("/invocations", body.encode()).body == json.loads(shown)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], 'params: takes {"probabilities": true} and nothing else'),
        ({"temperature": 1}, 'params: takes {"probabilities": true} and nothing else'),
        ({"probabilities": "yes"}, "params: probabilities is true or false"),
        ({"probabilities": None}, "params: probabilities is true or false"),
    ],
)
def test_other_params_are_refused(front: Front, params: object, message: str) -> None:
    answer = front.score("digits", inputs=PIXELS.tolist(), params=params)
    assert (answer.status, answer.message) == (400, message)


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_huge_body_is_refused_and_whoever_sends_it_reads_why(front: Front, is_announced: bool) -> None:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=60)
    block, count = bytes(2**20), MOST_BYTES // 2**20 + 4
    length = {"Content-Length": str(count * 2**20)} if is_announced else {}
    connection.request(
        "POST", "/invocations", (block for _ in range(count)), {"Content-Type": JSON, **length},
        encode_chunked=not is_announced,
    )  # fmt: skip
    answer = connection.getresponse()
    assert answer.status == 400
    assert json.loads(answer.read())["message"] == "the body has more than 16 MiB; send fewer rows at a time"
    connection.close()


def test_another_name_or_another_page_is_refused(front: Front) -> None:
    """A foreign page whose name leads to this machine can neither read the page nor ask the models."""
    body = json.dumps({"inputs": PIXELS.tolist()}).encode()
    for headers in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}, {"Origin": "null"}):
        answer = front.ask("/invocations", body, JSON, **headers)
        assert (answer.status, answer.message) == (403, "this address serves its own page alone")
    own = {"Origin": f"http://127.0.0.1:{front.port}"}
    assert front.ask("/invocations", body, JSON, **own).status == 200


def test_browsers_leave_port_80_out_of_the_address(loaded: Callable[..., LoadedModel]) -> None:
    with served([loaded("digits")], told=80) as front:
        for host in ("127.0.0.1", "localhost", "127.0.0.1:80", "localhost:80"):
            own = {"Host": host, "Origin": f"http://{host}"}
            assert front.ask("/invocations", json.dumps({"inputs": PIXELS.tolist()}).encode(), **own).status == 200
        assert front.ask("/", Host="127.0.0.1:8080").status == 403


def test_the_code_of_an_error_is_that_of_its_status(front: Front) -> None:
    codes = {
        404: front.ask("/docs"),
        405: front.ask("/invocations"),
        403: front.ask("/", Host="elsewhere.example"),
    }
    assert {status: (answer.status, answer.body["error_code"]) for status, answer in codes.items()} == {
        404: (404, "NOT_FOUND"), 405: (405, "METHOD_NOT_ALLOWED"), 403: (403, "FORBIDDEN"),
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/models/9/invocations", "/../secret"])
def test_there_is_nothing_else(front: Front, path: str) -> None:
    assert front.ask(path).status == 404


def test_200_requests_at_once_are_all_answered_rightly(front: Front, loaded: Callable[..., LoadedModel]) -> None:
    rows = np.random.default_rng(3).integers(0, 256, (200, 784), dtype=np.uint8)
    expected = loaded("digits").predict(rows).to_dict("records")
    together = threading.Barrier(200)

    def ask(place: int) -> tuple[Asked, Any]:
        together.wait()
        if place % 10 == 9:  # among them wrong ones
            return front.ask("/invocations", b'{"inputs": [[NaN]]}'), None
        asked = front.score("digits", inputs=rows[place : place + 1].tolist(), params=WANTED)
        return asked, {"predictions": [expected[place]]}

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(ask, range(200)))
    for answer, wanted in answers:
        assert answer.status == (400 if wanted is None else 200), answer
        if wanted is not None:
            np.testing.assert_allclose(
                list(answer.body["predictions"][0]["probabilities"].values()),
                list(wanted["predictions"][0]["probabilities"].values()),
                rtol=1e-5,  # a product of one row differs from one of many in the last digits
            )
