"""Finds the devnet that runs, and talks to its control.

    with one_clear_line(), find(control_url) as devnet:
        print(devnet.get("/accounts"))

It is looked for where `--control-url` says, else where `MPP_SANDBOX_CONTROL_URL` says, else on the
control's usual port.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import httpx

VARIABLE: Final = "MPP_SANDBOX_CONTROL_URL"
DEFAULT_URL: Final = "http://127.0.0.1:8400"
_TIMEOUT_S: Final = 60

ControlUrl = Annotated[
    str | None,
    typer.Option("--control-url", metavar="URL", help=f"The devnet's control ({DEFAULT_URL})."),
]


class NoDevnet(SandboxError):
    """Nothing answers where a devnet's control was looked for."""

    code = "no-devnet"
    title = "No devnet is running"
    status = 503


class ControlRefused(SandboxError):
    """The control answered that it cannot do that."""

    code = "control-refused"
    title = "The devnet refused"


class RunningDevnet:
    """The control of a running devnet, over HTTP."""

    def __init__(self, url: str) -> None:
        import httpx

        self.url = url.rstrip("/")
        try:
            self._http = httpx.Client(base_url=self.url, timeout=_TIMEOUT_S, trust_env=False)
        except httpx.InvalidURL:
            raise self._absent() from None
        self._info: dict[str, Any] | None = None

    @property
    def info(self) -> dict[str, Any]:
        """What it says about itself (`sandbox.info`)."""
        return self._info or self._recognise()

    def get(self, path: str, **query: Any) -> Any:
        """The answer of a control route, as `/accounts`."""
        self._recognise()
        return self._ask("GET", path, params=query)

    def post(self, path: str, document: Any = None) -> Any:
        """Make the control do something."""
        self._recognise()
        return self._ask("POST", path, json=document)

    def delete(self, path: str) -> Any:
        """Make the control take something away."""
        self._recognise()
        return self._ask("DELETE", path)

    def fetch(self, path: str) -> bytes:
        """The answer of a control route as it came: it may hold integers of any size."""
        self._recognise()
        response = self._send("GET", path)
        _read(response, self._absent())
        return response.content

    def upload(self, path: str, document: bytes) -> Any:
        """Hand the control a document as it is."""
        self._recognise()
        headers = {"content-type": "application/json"}
        return self._ask("POST", path, content=document, headers=headers)

    def events(self, after: int | None = None) -> Iterator[dict[str, Any]]:
        """The journal's events as they happen, until the devnet stops."""
        import httpx
        import orjson

        query = {} if after is None else {"after": after}
        try:
            with self._http.stream(
                "GET", "/_sandbox/events", params=query, timeout=None
            ) as response:
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield orjson.loads(line[6:])
        except httpx.ConnectError:
            raise self._absent() from None
        except httpx.TransportError:
            return  # it stopped

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def __enter__(self) -> RunningDevnet:
        """Itself, to be closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the connection."""
        self.close()

    def _recognise(self) -> dict[str, Any]:
        """What it says about itself, and that it is a devnet: other servers speak JSON as well, the
        chain's own port among them."""
        if self._info is None:
            try:
                found = self._ask("GET", "/info")
            except ControlRefused:
                raise self._absent() from None
            if not isinstance(found, dict) or "roles" not in found:
                raise self._absent()
            self._info = found
        return self._info

    def _ask(self, verb: str, path: str, **options: Any) -> Any:
        return _read(self._send(verb, path, **options), self._absent())

    def _send(self, verb: str, path: str, **options: Any) -> httpx.Response:
        import httpx

        try:
            return self._http.request(verb, f"/_sandbox{path}", **options)
        except (httpx.TransportError, httpx.InvalidURL):
            raise self._absent() from None

    def _absent(self) -> NoDevnet:
        return NoDevnet(
            f"No devnet answers at {self.url}.",
            hint=f"Start one with `mpp-sandbox up`, or set --control-url or {VARIABLE}.",
        )


def find(control_url: str | None = None) -> RunningDevnet:
    """The devnet at this address, or where one is usually found."""
    return RunningDevnet(control_url or os.environ.get(VARIABLE) or DEFAULT_URL)


def _read(response: httpx.Response, absent: NoDevnet) -> Any:
    import orjson

    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise absent from None  # something else listens there
    if response.is_success:
        return document
    detail = document.get("detail") if isinstance(document, dict) else None
    raise ControlRefused(
        str(detail or f"The control answered {response.status_code}."),
        hint=document.get("hint") if isinstance(document, dict) else None,
        status=response.status_code,
    )
