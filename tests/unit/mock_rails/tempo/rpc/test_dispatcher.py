"""The JSON-RPC envelope (JSON-RPC 2.0; facts 5.1), without a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from mock_rails.core.errors import Conflict, ConservationError
from mock_rails.tempo.errors import RpcError
from mock_rails.tempo.rpc.dispatcher import Dispatcher, method

if TYPE_CHECKING:
    from mock_rails.tempo.rpc.params import Params


class Echo:
    """A family that has no chain behind it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @method("echo", "echo_alias")
    def echo(self, params: Params) -> Any:
        self.heard.append(params.values)
        return params.given(0)

    @method("echo_later")
    async def echo_later(self, params: Params) -> Any:
        self.heard.append(params.values)
        return params.given(0)

    @method("refuse")
    def refuse(self, params: Params) -> Any:
        raise RpcError("not today", code=-32000, data={"why": "rain"})

    @method("conflict")
    def conflict(self, params: Params) -> Any:
        raise Conflict("The clock stands still.", hint="Move it.")

    @method("lose_money")
    def lose_money(self, params: Params) -> Any:
        raise ConservationError("1 base unit is missing.")

    @method("crash")
    def crash(self, params: Params) -> Any:
        raise ZeroDivisionError("secret of the house")

    @method("unspeakable")
    def unspeakable(self, params: Params) -> Any:
        return object()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def dispatcher(echo: Echo) -> Dispatcher:
    return Dispatcher([echo], batch_limit=3)


async def ask(dispatcher: Dispatcher, request: Any) -> Any:
    answer = await dispatcher.answer(orjson.dumps(request))
    return None if answer is None else orjson.loads(answer)


def call(name: str, *params: Any, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": name, "params": params} | members


async def test_a_success_has_no_error_member(dispatcher: Dispatcher) -> None:
    # pympp tests `"error" in result`: a null member would be a failure.
    for name in ("echo", "echo_later", "echo_alias"):
        assert await ask(dispatcher, call(name, "hi")) == {
            "jsonrpc": "2.0",
            "id": 1,
            "result": "hi",
        }
    assert await ask(dispatcher, call("echo")) == {"jsonrpc": "2.0", "id": 1, "result": None}


async def test_an_error_has_no_result_member(dispatcher: Dispatcher) -> None:
    error = {"code": -32000, "message": "not today", "data": {"why": "rain"}}
    assert await ask(dispatcher, call("refuse")) == {"jsonrpc": "2.0", "id": 1, "error": error}


@pytest.mark.parametrize("request_id", [0, -7, 2**53, "", "abc", None])
async def test_ids_come_back_as_they_came(dispatcher: Dispatcher, request_id: Any) -> None:
    assert (await ask(dispatcher, call("echo", id=request_id)))["id"] == request_id


@pytest.mark.parametrize("request_id", [1.5, True, [1], {}, 10**30])
async def test_other_ids_are_refused(dispatcher: Dispatcher, echo: Echo, request_id: Any) -> None:
    body = orjson.dumps(call("echo", id=None)).replace(
        b'"id":null', b'"id":' + str(request_id).lower().encode()
    )
    answer = orjson.loads(await dispatcher.answer(body) or b"")
    assert answer["id"] is None
    assert answer["error"]["code"] == -32600
    assert echo.heard == []


async def test_a_notification_runs_and_is_not_answered(dispatcher: Dispatcher, echo: Echo) -> None:
    assert await ask(dispatcher, {"jsonrpc": "2.0", "method": "echo", "params": [1]}) is None
    assert await ask(dispatcher, {"jsonrpc": "2.0", "method": "refuse"}) is None
    assert echo.heard == [[1]]


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"id":1}}', b"\xff\xfe", b"[" * 5_000])
async def test_what_is_not_json_is_a_parse_error(dispatcher: Dispatcher, body: bytes) -> None:
    answer = orjson.loads(await dispatcher.answer(body) or b"")
    assert answer["error"]["code"] == -32700
    assert answer["id"] is None


@pytest.mark.parametrize("request_", [1, "x", None, True])
async def test_a_request_is_an_object(dispatcher: Dispatcher, request_: Any) -> None:
    assert (await ask(dispatcher, request_))["error"]["code"] == -32600


@pytest.mark.parametrize("name", [None, 5, ["echo"]])
async def test_a_method_is_a_string(dispatcher: Dispatcher, name: Any) -> None:
    answer = await ask(dispatcher, {"jsonrpc": "2.0", "id": 4, "method": name})
    assert (answer["id"], answer["error"]["code"]) == (4, -32600)


async def test_an_unknown_method_is_named_with_the_nearest_one(dispatcher: Dispatcher) -> None:
    error = (await ask(dispatcher, call("ecco")))["error"]
    assert error["code"] == -32601
    assert error["message"] == (
        "the method ecco does not exist/is not available. Did you mean 'echo'?"
    )
    long = (await ask(dispatcher, call("x" * 100_000)))["error"]
    assert long["code"] == -32601
    assert len(long["message"]) < 200


async def test_parameters_are_an_array(dispatcher: Dispatcher, echo: Echo) -> None:
    error = (await ask(dispatcher, call("echo") | {"params": {"a": 1}}))["error"]
    assert error == {"code": -32602, "message": "invalid params: echo takes them as an array"}
    assert (await ask(dispatcher, call("echo") | {"params": None}))["result"] is None
    assert echo.heard == [[]]


async def test_a_defect_is_logged_and_not_shown(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    error = (await ask(dispatcher, call("crash")))["error"]
    assert error == {"code": -32603, "message": "internal error"}
    assert "crash failed" in caplog.text
    assert "secret of the house" in caplog.text


async def test_an_answer_that_is_not_json_is_a_defect(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask(dispatcher, call("unspeakable"))
    assert answer["error"] == {"code": -32603, "message": "internal error"}
    assert "an answer is not JSON" in caplog.text


async def test_errors_of_the_house_become_json_rpc_errors(dispatcher: Dispatcher) -> None:
    error = (await ask(dispatcher, call("conflict")))["error"]
    assert error == {"code": -32602, "message": "The clock stands still. Move it."}
    assert (await ask(dispatcher, call("lose_money")))["error"]["code"] == -32603


async def test_a_batch_is_answered_in_order_without_its_notifications(
    dispatcher: Dispatcher, echo: Echo
) -> None:
    batch = [
        call("echo_later", "a", id=1),
        {"jsonrpc": "2.0", "method": "echo", "params": ["b"]},
        call("refuse", id="three"),
    ]
    answers = await ask(dispatcher, batch)
    assert [answer["id"] for answer in answers] == [1, "three"]
    assert answers[0]["result"] == "a"
    assert answers[1]["error"]["code"] == -32000
    assert echo.heard == [["a"], ["b"]]


async def test_a_bad_entry_of_a_batch_spoils_only_itself(dispatcher: Dispatcher) -> None:
    answers = await ask(dispatcher, [1, call("echo", 5)])
    assert answers[0]["error"]["code"] == -32600
    assert answers[1]["result"] == 5


async def test_empty_and_oversized_batches_are_refused(dispatcher: Dispatcher, echo: Echo) -> None:
    assert (await ask(dispatcher, []))["error"]["code"] == -32600
    error = (await ask(dispatcher, [call("echo")] * 4))["error"]
    assert error["message"] == "a batch of 4 calls exceeds the limit of 3"
    assert echo.heard == []


async def test_a_batch_of_notifications_is_not_answered(dispatcher: Dispatcher) -> None:
    assert await ask(dispatcher, [{"jsonrpc": "2.0", "method": "echo"}]) is None


def test_a_method_has_one_meaning() -> None:
    with pytest.raises(ValueError, match="echo is defined twice"):
        Dispatcher([Echo(), Echo()])
