"""LNbits 1.6, unmodified, with our phoenixd as its funding source (facts: lightning 4.5)."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import venv
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.bolt11 import decode
from tests.interop.lightning_support import ServedNode, running_lightning

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ENVIRONMENT = HERE / ".phoenixd_client"
INSTALL_TIMEOUT_S = 300
SAT = 1_000

pytestmark = [
    pytest.mark.timeout(INSTALL_TIMEOUT_S + 60),
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="LNbits needs Python 3.12 or older"),
]


def installed() -> Path:
    """The Python of an environment with LNbits, made once; parallel processes wait for it."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".installed"
    requirements = HERE / "phoenixd_requirements.txt"
    with requirements.open("rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        wanted = f"{sys.version} {sha256(locked.read()).hexdigest()}"
        if not stamp.exists() or stamp.read_text() != wanted:
            venv.create(ENVIRONMENT, clear=True, with_pip=True)
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            done = subprocess.run(
                [*pip, "--requirement", str(requirements)],
                capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"pip could not install LNbits:\n{done.stderr}"
            stamp.write_text(wanted)
    return python


class Wallet:
    """LNbits' wallet, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, what: str, **given: Any) -> Any:
        """What it answers to one of its methods."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, "with": given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "LNbits' wallet ended"
        return json.loads(line)


@contextmanager
def wallet_of(url: str, password: str, folder: Path) -> Iterator[Wallet]:
    """The wallet on a phoenixd; LNbits keeps files where it is started."""
    command = [str(installed()), "-W", "ignore", str(HERE / "phoenixd_wallet.py"), url, password]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Wallet(process)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def network() -> Iterator[dict[str, Any]]:
    with running_lightning() as found:
        yield found


@pytest.fixture
def phoenixd(network: dict[str, Any], tmp_path: Path) -> Iterator[Wallet]:
    merchant = network["phoenixd"]["merchant"]
    with wallet_of(merchant["url"], merchant["password"], tmp_path) as wallet:
        yield wallet


@pytest.fixture
def payer(network: dict[str, Any]) -> ServedNode:
    lnd = network["lnd"]["payer"]
    return ServedNode(lnd["url"], lnd["macaroons"]["admin"])


async def pays(payer: ServedNode, bolt11: str) -> None:
    sent = await payer.call(
        "POST", "/v2/router/send",
        payment_request=bolt11, timeout_seconds=20, fee_limit_sat=10, no_inflight_updates=True,
    )  # fmt: skip
    assert sent["result"]["status"] == "SUCCEEDED"


async def test_its_invoice_is_paid_and_the_websocket_says_so(
    phoenixd: Wallet, payer: ServedNode
) -> None:
    before = phoenixd.ask("status")
    assert before["error_message"] is None
    made = phoenixd.ask("create_invoice", amount=25, memo="one page")
    assert made["success"], made["error_message"]
    invoice = decode(made["payment_request"])
    assert (invoice.amount_msat, invoice.description) == (25 * SAT, "one page")
    assert invoice.payment_hash.hex() == made["checking_id"]
    assert phoenixd.ask("get_invoice_status", checking_id=made["checking_id"])["pending"]
    await pays(payer, made["payment_request"])
    assert phoenixd.ask("next_paid") == made["checking_id"]
    paid = phoenixd.ask("get_invoice_status", checking_id=made["checking_id"])
    assert sha256(bytes.fromhex(paid["preimage"])).digest() == invoice.payment_hash
    assert phoenixd.ask("status")["balance_msat"] == before["balance_msat"] + 25 * SAT


async def test_it_pays_an_invoice_and_looks_the_payment_up(
    phoenixd: Wallet, payer: ServedNode
) -> None:
    bolt11 = await payer.invoice(40)
    sent = phoenixd.ask("pay_invoice", bolt11=bolt11, fee_limit_msat=10 * SAT)
    assert sent["success"], sent["error_message"]
    payment_hash = decode(bolt11).payment_hash
    assert sha256(bytes.fromhex(sent["preimage"])).digest() == payment_hash
    found = phoenixd.ask("get_payment_status", checking_id=payment_hash.hex())
    assert found["preimage"] == sent["preimage"]
    again = phoenixd.ask("pay_invoice", bolt11=bolt11, fee_limit_msat=10 * SAT)
    assert not again["success"]


async def test_what_cannot_be_paid_is_not_paid(phoenixd: Wallet, payer: ServedNode) -> None:
    too_much = await payer.invoice(50_000_000)
    sent = phoenixd.ask("pay_invoice", bolt11=too_much, fee_limit_msat=10 * SAT)
    assert not sent["success"]
    unknown = phoenixd.ask("get_payment_status", checking_id="00" * 32)
    assert unknown["preimage"] is None
    assert phoenixd.ask("get_invoice_status", checking_id="00" * 32)["preimage"] is None


def test_a_wrong_password_opens_nothing(network: dict[str, Any], tmp_path: Path) -> None:
    with wallet_of(network["phoenixd"]["merchant"]["url"], "wrong", tmp_path) as stranger:
        assert "Unable to connect" in stranger.ask("status")["error_message"]
        assert stranger.ask("create_invoice", amount=25)["failed"]
