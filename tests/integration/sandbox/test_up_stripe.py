"""`mpp-sandbox up` and `exec` with Stripe: programs that hard-code its host, busy ports, the end.

Facts: stripe 5. The programs are what anybody would write for api.stripe.com; none names a server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mock_rails.server import LOOPBACK, bind
from tests.integration.sandbox.test_up import CLI, ROOT, run, up

CURL_LIKE = """
import httpx
answer = httpx.post("https://api.stripe.com/v1/payment_intents", auth=("sk_test_x", ""), data={
    "amount": "500", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
})
print(answer.json()["status"])
"""

STRIPE_SDK = """
import os, stripe
stripe.ca_bundle_path = os.environ["MPP_SANDBOX_STRIPE_CA"]
print(stripe.StripeClient("sk_test_x").v1.customers.create({"name": "Ada"}).name)
"""

LEAVES = """
import httpx
try:
    httpx.get("https://example.com/")
except httpx.ProxyError as error:
    print(error)
"""


def said(*arguments: str) -> str:
    done = run("exec", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("program", "words"), [(CURL_LIKE, "succeeded"), (STRIPE_SDK, "Ada"), (LEAVES, "403 Forbidden")]
)
def test_a_program_that_hard_codes_stripes_host_runs_beside_the_proxy(
    program: str, words: str
) -> None:
    assert said("--stripe-proxy", "--", sys.executable, "-c", program) == words


def test_without_the_proxy_a_programs_environment_is_left_alone() -> None:
    program = (
        "import os; print(os.environ.get('HTTPS_PROXY'), 'MPP_SANDBOX_STRIPE_URL' in os.environ)"
    )
    assert said("--", sys.executable, "-c", program) == "None True"


def test_a_programs_own_options_for_node_are_kept() -> None:
    environment = {**os.environ, "NODE_OPTIONS": "--no-warnings"}
    program = "import os; print(os.environ['NODE_OPTIONS'])"
    done = subprocess.run(
        [*CLI, "exec", "--stripe-proxy", "--", sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("--no-warnings --import=file:///")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_proxy_and_its_certificate_end_with_the_devnet(how: signal.Signals) -> None:
    with up("--stripe-proxy") as devnet:
        way_in = devnet.info["stripe"]["proxy"]
        folder = Path(way_in["SSL_CERT_FILE"]).parent
        assert (folder / "stripe-ca.pem").exists()
        assert not any("PRIVATE KEY" in one.read_text() for one in folder.iterdir())
        assert httpx.get(f"{devnet.info['stripe']['url']}/").status_code == 200
        assert devnet.stop(how) == (0, "")
        assert not folder.exists()
        for url in (devnet.info["stripe"]["url"], way_in["HTTPS_PROXY"]):
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)


def test_status_prints_stripes_variables() -> None:
    with up("--stripe-proxy") as devnet:
        done = run("status", "-o", "env", "--control-url", devnet.control)
        assert f"export MPP_SANDBOX_STRIPE_URL={devnet.info['stripe']['url']}\n" in done.stdout
        assert (
            f"export HTTPS_PROXY={devnet.info['stripe']['proxy']['HTTPS_PROXY']}\n" in done.stdout
        )
        shown = run("status", "--control-url", devnet.control)
        assert f"Stripe  {devnet.info['stripe']['url']}" in shown.stdout
        assert devnet.stop() == (0, "")  # killed, it would leave its certificate behind


def test_a_busy_stripe_port_is_one_clear_line() -> None:
    with bind(LOOPBACK, 0) as taken:
        port = str(taken.getsockname()[1])
        done = run("up", "--port-base", "0", "--stripe-port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"mpp-sandbox: Port {port} on 127.0.0.1 is in use")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stripe-port", "http"], "--stripe-port: 'http' is no port"),
        (["--stripe-port", "70000"], "--stripe-port"),
        (["--stripe-url", "http://127.0.0.1:1"], "this devnet runs its own"),
        (["--only", "merchants", "--chain-url", "http://x", "--stripe-proxy"], "no rails run"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options: list[str], words: str) -> None:
    done = run("up", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
