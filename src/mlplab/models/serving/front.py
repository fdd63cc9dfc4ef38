"""The front of the scoring servers: a page, and for each model MLflow's own server behind a check of what is asked."""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlplab.errors import DataError
from mlplab.models.loading import LoadedModel
from mlplab.models.pictures_taken import pixels_of
from mlplab.models.row_forms import ArrayForm, Form
from mlplab.models.serving.bodies import scoring_body

ADDRESS = "127.0.0.1"  # nobody else's machine
MOST_BYTES = 16 * 2**20  # of a body: 5,000 images as JSON
_DISCARDED = 64  # times that: read to its end and thrown away, so that who sends it also reads the answer
_HTTP_PORT = 80  # which browsers leave out of an address
_JSON = "application/json"


def make_front(models: Sequence[LoadedModel], page: str, port: int) -> ASGIApp:
    """Return the app that answers to this machine: the page at ``/``, and each model.

    ``/invocations`` is the first model's, ``/models/1/invocations`` and so on each one's, with ``/pixels`` (a picture
    in, raw pixels out), ``/ping``, ``/health`` and ``/version`` beside it.
    """
    scorers = [_Scorer(model) for model in models]
    numbered = [Mount(f"/models/{place}", routes=scorer.routes) for place, scorer in enumerate(scorers, 1)]

    async def show(request: Request) -> Response:  # noqa: ARG001
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    app = Starlette(
        routes=[Route("/", show), *numbered, *scorers[0].routes],
        exception_handlers={DataError: _refuse, HTTPException: _refuse, ClientDisconnect: _nobody},
    )
    return _OwnMachine(app, port)


class _Scorer:
    """MLflow's scoring server of one model, as an app inside this process."""

    def __init__(self, model: LoadedModel) -> None:
        from mlflow.pyfunc import scoring_server

        self._form = model.form
        self._app: ASGIApp = scoring_server.init(model.model)
        health = [Route(f"/{name}", self._pass_on, methods=["GET"]) for name in ("ping", "health", "version")]
        self.routes = [
            Route("/invocations", self._score, methods=["POST"]),
            Route("/pixels", self._show_pixels, methods=["POST"]),
            *health,
        ]

    async def _score(self, request: Request) -> Response:
        kind, body = request.headers.get("Content-Type", ""), await _whole_body(request)
        asked = await run_in_threadpool(_encoded, kind, body, self._form, _is_centred(request))
        answer = await _ask(self._app, "POST", "/invocations", asked)
        if answer.status_code == 200:
            return answer
        return _error(_reason(bytes(answer.body)), answer.status_code)

    async def _show_pixels(self, request: Request) -> Response:
        body, form = await _whole_body(request), self._form
        if not (isinstance(form, ArrayForm) and form.are_pixels):
            raise DataError("this model takes no pictures: there are no pixels to show")
        pixels = await run_in_threadpool(pixels_of, body, "the picture", form, _is_centred(request))
        return JSONResponse({"pixels": pixels.tolist(), "pixel_max": form.pixel_max})

    async def _pass_on(self, request: Request) -> Response:
        return await _ask(self._app, "GET", "/" + request.url.path.rpartition("/")[2], b"")


def _encoded(content_type: str, body: bytes, form: Form, centred: bool) -> bytes:
    return json.dumps(scoring_body(content_type, body, form, centred)).encode()


def _is_centred(request: Request) -> bool:
    text = request.query_params.get("centred", "false")
    if text not in ("true", "false"):
        raise DataError(f"centred={text[:40]}: takes true or false")
    return text == "true"


async def _whole_body(request: Request) -> bytes:
    """Return the body. Raises DataError if it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= MOST_BYTES:
            parts.append(part)
        elif size > _DISCARDED * MOST_BYTES:
            break
    if size > MOST_BYTES:
        raise DataError(f"the body has more than {MOST_BYTES // 2**20} MiB; send fewer rows at a time")
    return b"".join(parts)


async def _ask(app: ASGIApp, method: str, path: str, body: bytes) -> Response:
    """Return what an app answers, whole."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [(b"content-type", _JSON.encode())], "client": None, "server": None,
    }  # fmt: skip
    asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    status, parts, over = 0, [], asyncio.Event()

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            return
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            over.set()

    await app(scope, receive, send)
    return Response(b"".join(parts), status, media_type=_JSON)


def _reason(body: bytes) -> str:
    """Return in one line why the scoring server refused."""
    try:
        said = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace")
    return "the model does not take this: " + " ".join(said.split())[:300]


def _error(message: str, status: int = 400) -> Response:
    """Return an error in the form that MLflow's scoring server gives it."""
    code = "INTERNAL_ERROR" if status >= 500 else HTTPStatus(status).name
    # A message repeats what was sent, and JSON may name half a character, which UTF-8 has not.
    shown = message.encode(errors="backslashreplace").decode()
    return JSONResponse({"error_code": code, "message": shown}, status)


async def _refuse(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _error(error.detail, error.status_code) if isinstance(error, HTTPException) else _error(str(error))


async def _nobody(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(status_code=400)  # whoever asked has gone


class _OwnMachine:
    """Lets through what this machine asks by the page's own address."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        ends = (f":{port}", "") if port == _HTTP_PORT else (f":{port}",)
        self._hosts = {f"{name}{end}".encode() for name in (ADDRESS, "localhost") for end in ends}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named: dict[bytes, Any] = dict(scope["headers"])
            origin = named.get(b"origin")
            # Another name for this address could belong to a foreign page; a foreign page also sends its own origin.
            is_own = origin is None or origin.removeprefix(b"http://") in self._hosts
            if named.get(b"host") not in self._hosts or not is_own:
                await _error("this address serves its own page alone", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
