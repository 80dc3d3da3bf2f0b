"""The paid API itself: what is delivered once the gate has let a request pass.

Nothing here knows of payment. Starlette without FastAPI, for these answers are on the measured path
and take nothing apart but a query (DESIGN 2.3).
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mock_rails.core.errors import BadInput
from sandbox.merchants import texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from mock_rails.core.clock import Clock
    from sandbox.merchants.discovery import Documents

MOST_TOKENS: Final = 4_096
TOKENS: Final = 64
LONGEST_DELAY_MS: Final = 1_000
LONGEST_TEXT: Final = 4_000
MODEL: Final = "sandbox-1"

_STREAM: Final = "text/event-stream; charset=utf-8"
_STREAM_HEADERS: Final = {"cache-control": "no-cache, no-transform"}


def build_app(documents: Documents, clock: Clock) -> Starlette:
    """The merchants' application; `documents` describe it to whoever has not paid yet."""
    answers = _Answers(documents, clock)
    # What one rail alone pays for is served only where that rail is taken: else it would be free.
    of_rails = {
        "/stripe/quote": answers.quote,
        "/lightning/quote": answers.quote,
        "/lightning/search": answers.search,
        "/lightning/complete": answers.complete,
    }
    priced = documents.openapi["paths"]
    return Starlette(
        routes=[
            Route("/", answers.index),
            Route("/health", answers.health),
            Route("/quote", answers.quote),
            *(Route(path, answer) for path, answer in of_rails.items() if path in priced),
            Route("/search", answers.search),
            Route("/complete", answers.complete),
            Route("/v1/chat/completions", answers.chat, methods=["POST"]),
            Route("/report", answers.report),
            Route("/openapi.json", answers.openapi),
            Route("/llms.txt", answers.llms),
            Route("/.well-known/ai-agent.json", answers.agent),
        ],
        exception_handlers={BadInput: _refuse},
    )


class _Answers:
    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._quotes = count()

    # -- free -------------------------------------------------------------------------------------

    async def index(self, request: Request) -> Response:
        """What there is, in a few lines."""
        return PlainTextResponse(self._documents.index, headers=self._documents.links)

    async def health(self, request: Request) -> Response:
        """That it answers."""
        return _json({"status": "ok"}, self._documents.links)

    async def openapi(self, request: Request) -> Response:
        """The routes and their prices, for programs."""
        return _json(self._documents.openapi, self._documents.links)

    async def llms(self, request: Request) -> Response:
        """The same for language models."""
        return PlainTextResponse(self._documents.llms, headers=self._documents.links)

    async def agent(self, request: Request) -> Response:
        """That this host is paid by MPP."""
        return _json(self._documents.agent, self._documents.links)

    # -- paid -------------------------------------------------------------------------------------

    async def quote(self, request: Request) -> Response:
        """A quote for a fixed price."""
        return _json(texts.quote(next(self._quotes)))

    async def search(self, request: Request) -> Response:
        """The glossary's entries for a query, by the request."""
        query = _text(request.query_params.get("q", ""), "q")
        return _json({"query": query, "results": texts.search(query)})

    async def complete(self, request: Request) -> Response:
        """A completion as a stream of events in the form of OpenAI's, by the token."""
        return self._completion(request.query_params)

    async def chat(self, request: Request) -> Response:
        """The same for who posts an order in the form of OpenAI's."""
        return self._completion(_order(await request.body()))

    def _completion(self, asked: Mapping[str, Any]) -> Response:
        prompt = _text(asked.get("prompt", ""), "prompt")
        tokens = _whole(asked.get("tokens", TOKENS), "tokens", MOST_TOKENS)
        delay_ms = _whole(asked.get("delay_ms", 0), "delay_ms", LONGEST_DELAY_MS, least=0)
        events = self._events(prompt, tokens, delay_ms)
        return StreamingResponse(events, media_type=_STREAM, headers=_STREAM_HEADERS)

    async def _events(self, prompt: str, tokens: int, delay_ms: int) -> AsyncIterator[bytes]:
        for at, token in enumerate(islice(texts.completion(prompt), tokens)):
            if delay_ms and at:
                await self._clock.wall_sleep(timedelta(milliseconds=delay_ms))
            choice = {
                "index": 0,
                "delta": {"content": token},
                "finish_reason": "length" if at == tokens - 1 else None,
            }
            chunk = {"object": "chat.completion.chunk", "model": MODEL, "choices": [choice]}
            yield b"data: %b\n\n" % orjson.dumps(chunk)
        yield b"data: [DONE]\n\n"

    async def report(self, request: Request) -> Response:
        """Everything the glossary has, for whichever way of paying the customer likes."""
        entries = [{"term": term, "text": text} for term, text in texts.GLOSSARY.items()]
        return _json({"report": "The protocol's words", "entries": entries})


def _json(document: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers=headers)


async def _refuse(request: Request, error: Exception) -> Response:
    problem = error.problem() if isinstance(error, BadInput) else {}
    return Response(orjson.dumps(problem), status_code=400, media_type="application/problem+json")


def _order(body: bytes) -> dict[str, Any]:
    """What a POST asks for: `prompt` and `tokens`, or OpenAI's `messages` and `max_tokens`."""
    if not body:
        return {}
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"The body is not JSON: {error}.") from None
    if not isinstance(asked, dict):
        raise BadInput(
            "The body is not a JSON object.", hint='Write {"prompt": "...", "tokens": 8}.'
        )
    order = {name: asked[name] for name in ("prompt", "tokens", "delay_ms") if name in asked}
    if "max_tokens" in asked:
        order.setdefault("tokens", asked["max_tokens"])
    messages = asked.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        order.setdefault("prompt", messages[-1].get("content", ""))
    return order


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise BadInput(f"{name} is a text of at most {LONGEST_TEXT:,} characters.")
    return value


def _whole(value: object, name: str, most: int, *, least: int = 1) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
        number = int(text)
        if least <= number <= most:
            return number
    raise BadInput(f"{name} is a whole number from {least} to {most:,}.")
