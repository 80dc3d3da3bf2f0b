"""A capture may be sent to a stranger: what opens something else than a devnet is not in it."""

from __future__ import annotations

import base64

from sandbox.recording.secrecy import Censor

LIVE = "sk_" + "live_"


def kept(censor: Censor, name: str, value: str) -> str:
    ((_, found),) = censor.headers([(name, value)])
    return found


def test_credentials_for_test_money_and_the_sandboxs_own_key_are_kept() -> None:
    censor = Censor({"sandbox"})
    for value in ("Payment abc", "Bearer sk_test_sandbox", "L402 macaroon:preimage"):
        assert kept(censor, "authorization", value) == value
    password = "Basic " + base64.b64encode(b":sandbox").decode()
    assert kept(censor, "Authorization", password) == password
    assert censor.notes == []


def test_other_peoples_keys_cookies_and_authorizations_are_not() -> None:
    censor = Censor()
    basic = "Basic " + base64.b64encode(b"sk_test_51Hremembered:").decode()
    for value in (f"Bearer {LIVE}51Hremembered", basic, "Bearer eyJhbGciOi.remembered"):
        assert "remembered" not in kept(censor, "authorization", value)
    assert kept(censor, "authorization", f"Bearer {LIVE}51Habc") == f"Bearer {LIVE}sandbox"
    assert "secret" not in kept(censor, "cookie", "session=secret")
    assert len(censor.notes) == 3


def test_keys_in_bodies_and_commands_are_taken_out() -> None:
    censor = Censor()
    body = censor.body('{"privateKey": "0xabc", "key": "sk_test_51Habcdef", "amount": 1}')
    assert "0xabc" not in body
    assert "51Habcdef" not in body
    assert '"amount": 1' in body
    words = censor.command(["pay", "--api-key", "hush", "TOKEN=hush", "--amount", "5"])
    assert "hush" not in " ".join(words)
    assert words[-2:] == ["--amount", "5"]
    assert len(censor.notes) == 2


def test_a_command_line_in_a_command_line_keeps_all_but_its_secrets() -> None:
    censor = Censor()
    line = "API_KEY=hush pay 'http://127.0.0.1/complete?tokens=8&access_token=hush' --max 1"
    (sh, dash_c, kept) = censor.command(["sh", "-c", line])
    assert (sh, dash_c) == ("sh", "-c")
    assert kept == line.replace("hush", "[redacted]")
