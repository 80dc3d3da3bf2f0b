"""One Redis database as this process talks to it: opening, scripts, and its errors as ours.

The client library would silently send a command again after a broken connection. A compare-and-set
whose answer was lost would then be seen failing against its own result and be done twice, so that
is switched off: what may or may not have happened is said to be unknown (StoreOutcomeUnknown).
"""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final, Protocol

from mock_rails.core.errors import BadInput
from sandbox.server.stores.errors import (
    StoreClosed,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreOutcomeUnknown,
    StoreUnavailable,
)
from sandbox.server.stores.keys import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION: Final = b"1"


class Script:
    """A Lua program that Redis runs as one step, known to it by the hash of its text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


class _Client(Protocol):
    """As much of `redis.asyncio.Redis` as is used here."""

    async def execute_command(self, *words: object) -> Any: ...

    async def aclose(self) -> None: ...


class RedisLink:
    """A bounded pool of connections to one database, and the prefix of our keys in it."""

    def __init__(self, client: _Client, where: str, namespace: str) -> None:
        self._client: _Client | None = client
        self._where = where
        self._namespace = namespace

    @classmethod
    async def open(cls, url: str, *, namespace: str, connections: int, timeout_s: int) -> RedisLink:
        """Connect and check that the database is ours to use; a foreign one is left alone."""
        checked_name(namespace)
        if connections < 1 or timeout_s < 1:
            raise BadInput("A Redis store needs at least one connection and one second of time.")
        self = cls(*_client(url, connections, timeout_s), namespace)
        try:
            await self._prepare()
        except BaseException:
            await self.close()
            raise
        return self

    def key(self, *parts: str) -> str:
        """The name of one of our keys."""
        return ":".join((self._namespace, *parts))

    async def read(self, *words: object) -> Any:
        """The answer to a command that changes nothing."""
        with self._translating(StoreUnavailable):
            return await self._open().execute_command(*words)

    async def ask(self, script: Script, keys: list[str], *values: object) -> Any:
        """The answer of a script that changes nothing."""
        with self._translating(StoreUnavailable):
            return await self._evaluate(script, keys, values)

    async def run(self, script: Script, keys: list[str], *values: object) -> Any:
        """The answer of a script that changes something; it is sent once."""
        with self._translating(StoreOutcomeUnknown):
            return await self._evaluate(script, keys, values)

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # -- inside -----------------------------------------------------------------------------------

    def _open(self) -> _Client:
        if self._client is None:
            raise StoreClosed(f"The store on {self._where} was closed.")
        return self._client

    async def _evaluate(self, script: Script, keys: list[str], values: tuple[object, ...]) -> Any:
        from redis.exceptions import NoScriptError

        execute = self._open().execute_command
        try:
            return await execute("EVALSHA", script.sha, len(keys), *keys, *values)
        except NoScriptError:  # so it was not run; sending the text makes it known
            return await execute("EVAL", script.text, len(keys), *keys, *values)

    async def _prepare(self) -> None:
        memory = await self.read("INFO", "memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if policy.startswith("allkeys"):
            raise StoreForeign(
                f"Redis on {self._where} is a cache (maxmemory-policy {policy}): it would forget "
                "replay marks and channels when memory runs short.",
                hint="Use a Redis whose maxmemory-policy is noeviction.",
            )
        schema = self.key("schema")
        with self._translating(StoreOutcomeUnknown):
            await self._open().execute_command("SET", schema, SCHEMA_VERSION, "NX")
        found = await self.read("GET", schema)
        if found != SCHEMA_VERSION:
            raise StoreForeign(
                f"{schema!r} on {self._where} is {found!r}; this program knows version "
                f"{SCHEMA_VERSION.decode()}. It was left alone.",
                hint="Use another namespace, or the version of mpp-sandbox that wrote it.",
            )

    @contextmanager
    def _translating(self, broken: type[StoreUnavailable]) -> Iterator[None]:
        """Redis's errors as ours; `broken` is what a lost connection means here."""
        from redis import exceptions

        def words(error: Exception) -> str:
            return str(error).rstrip(".")

        try:
            yield
        except exceptions.OutOfMemoryError as error:
            raise StoreFull(
                f"Redis on {self._where} has no memory left: {words(error)}.",
                hint="Raise its maxmemory.",
            ) from error
        except (exceptions.AuthenticationError, exceptions.BusyLoadingError) as error:
            told = f"Redis on {self._where} does not serve us: {words(error)}."
            raise StoreUnavailable(told) from error
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
            told = f"The connection to Redis on {self._where} failed: {words(error)}."
            raise broken(told) from error
        except exceptions.RedisError as error:
            raise StoreError(f"Redis on {self._where} refused: {words(error)}.") from error


def _client(url: str, connections: int, timeout_s: int) -> tuple[_Client, str]:
    """A client that sends everything once, and where it goes, without the password."""
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise StoreUnavailable(
            "The Redis store needs the package redis.",
            hint="Install it with: pip install 'mpp-sandbox[redis]'",
        ) from error
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=None,  # callers queue for a connection; each command has its own time limit
            retry=Retry(NoBackoff(), 0),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
        )
    except ValueError as error:
        raise BadInput(
            f"That is no address of a Redis database: {error}",
            hint="They look like redis://localhost:6379/0 or unix:///run/redis.sock.",
        ) from error
    place = pool.connection_kwargs
    where = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
    return Redis.from_pool(pool), f"{where}/{place.get('db', 0)}"
