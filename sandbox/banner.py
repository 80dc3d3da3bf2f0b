"""What `mpp-sandbox up` prints: accounts with balances, every address, and what to do next.

Its facts are the devnet's description (`sandbox.info`), so that `status` prints the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__
from sandbox.info import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.methods.lightning_session import Session
    from sandbox.server.session import Capture, Recovered
    from sandbox.settings import DevnetSettings

_STOPPING: Final = {
    "close": "settles and closes open channels, says what it captured, and stops.",
    "settle": "settles what open channels owe, says what it captured, and stops.",
    "keep": "stops; what open channels owe stays in the store.",
}

_UNIT: Final = 10**6
_CURL: Final = '{"jsonrpc":"2.0","id":1,"method":"tempo_fundAddress","params":["%s"]}'


def json_line(info: Mapping[str, Any]) -> str:
    """The facts for programs, on one line."""
    import orjson

    return orjson.dumps(info).decode()


def text(info: Mapping[str, Any], balances: Mapping[str, int]) -> str:
    """The banner for people; `balances` are base units of pathUSD by address."""
    lines = [f"mpp-sandbox {__version__}", ""]
    tempo, stripe, merchants = info.get("tempo"), info.get("stripe"), info.get("merchants")
    lightning = info.get("lightning")
    if tempo is not None:
        lines += [*_accounts(tempo, balances), ""]
    if merchants is not None:
        lines += [*_paid_api(merchants), ""]
    if tempo is not None:
        lines += [*_chain(tempo), ""]
    if stripe is not None:
        lines += [*_stripe(stripe), ""]
    if lightning is not None:
        lines += [*_lightning(lightning), ""]
    if "control" in info:
        lines += [f"Control  {info['control']['url']}/_sandbox/info", ""]
    return "\n".join([*lines, *_next(info)])


def ready(settings: DevnetSettings) -> str:
    """The last line: it is ready, and what stopping it does."""
    from sandbox.settings import Part

    does = _STOPPING[settings.at_shutdown] if settings.runs(Part.MERCHANTS) else "stops it."
    return f"Ready. Ctrl-C {does}"


def dollars(amount: int) -> str:
    """Base units as people read them: 10000 is $0.01."""
    whole, fraction = divmod(amount, _UNIT)
    digits = f"{fraction:06}".rstrip("0").ljust(2, "0")
    return f"${whole:,}.{digits}"


def captures(found: Sequence[Capture]) -> list[str]:
    """What stopping brought in: a line for each channel, and the sum."""
    if not found:
        return []
    lines = [
        f"{'Closed' if one.closes else 'Settled'} channel 0x{one.channel_id.hex()}: "
        f"captured {dollars(one.captured)}"
        for one in found
    ]
    if len(lines) > 1:
        total = dollars(sum(one.captured for one in found))
        lines.append(f"{len(lines)} channels, {total} captured")
    return lines


def found(recovered: Recovered | None, store: str) -> list[str]:
    """What the merchants' store held at the start, if it held anything that is not over."""
    if recovered is None or not any(recovered):
        return []
    one = recovered
    lines = [f"Found in {store}: {_channels(one.open)} open with {dollars(one.owed)} to capture"]
    if one.settled or one.in_doubt:
        lines[0] += f"; {one.settled} that were interrupted have ended, {one.in_doubt} are in doubt"
    if one.unknown:
        lines.append(
            f"This chain does not know {one.unknown} of them: {dollars(one.lost)} cannot be "
            "captured. Was the last devnet killed, or its chain not kept with --state? A new "
            "store forgets them."
        )
    return lines


def kept(amounts: Sequence[int], store: str) -> list[str]:
    """What stopping did not bring in."""
    if not amounts:
        return []
    where = "and ends here" if store == "memory" else f"and stays in {store}"
    return [f"{dollars(sum(amounts))} on {_channels(len(amounts))} was not captured {where}"]


def _channels(count: int) -> str:
    return f"{count} channel" + "s" * (count != 1)


def _accounts(tempo: Mapping[str, Any], balances: Mapping[str, int]) -> list[str]:
    roles = {index: role for role, index in ROLES.items()}
    lines = ["Accounts with PUBLIC development keys: never send anything of value to them"]
    for at, one in enumerate(tempo["accounts"]):
        held = dollars(balances[one["address"]]) if one["address"] in balances else ""
        line = f"  ({at}) {one['address']}  {one['private_key']}  {held}  {roles.get(at, '')}"
        lines.append(line.rstrip())
    return [*lines, f"  Mnemonic   {tempo['mnemonic']}"]


def _paid_api(merchants: Mapping[str, Any]) -> list[str]:
    lines = [f"Paid API  {merchants['url']}"]
    for route in merchants["routes"]:
        prices = ", or ".join(offer["price"] for offer in route["offers"])
        lines.append(f"  {route['path']:<22} {prices}")
        if route["socket_path"]:
            lines.append(f"  {route['socket_path']:<22} the same over a WebSocket")
    return [*lines, "  /health, /openapi.json, /llms.txt are free"]


def _chain(tempo: Mapping[str, Any]) -> list[str]:
    cadence = tempo["block_time_ms"]
    mining = "a block for every payment" if cadence is None else f"a block every {cadence} ms"
    tokens = "  ".join(f"{name} {address}" for name, address in tempo["tokens"].items())
    return [
        f"Tempo chain  {tempo['url']}  {tempo['ws_url']}",
        f"  Chain id   {tempo['chain_id']}",
        f"  Blocks     {mining}; the newest is {tempo['block_number']}",
        f"  Tokens     {tokens}",
    ]


def _stripe(stripe: Mapping[str, Any]) -> list[str]:
    lines = [
        f"Stripe  {stripe['url']}",
        f"  Keys       any test key, as {stripe['key']}",
        "  Cards      pm_card_visa and all other test cards; tokens are made by",
        "             POST /v1/test_helpers/shared_payment/granted_tokens",
    ]
    proxy = stripe.get("proxy")
    if proxy:
        lines.append("  Programs that hard-code api.stripe.com find it with")
        lines += [f"    export {name}={value}" for name, value in proxy.items()]
    return lines


def _lightning(lightning: Mapping[str, Any]) -> list[str]:
    """The two LNDs and the phoenixd. Macaroons are long, and follow from the seed."""
    lines = [f"Lightning on {lightning['network']}, LND {lightning['lnd_profile']}"]
    for name, lnd in lightning["lnd"].items():
        held = lightning["nodes"][name]["balance_sat"]
        lines.append(f"  {name:<10} {lnd['url']}  {held:,} sat")
    lines += [
        f"  {'phoenixd':<10} {one['url']}  password {one['password']}"
        for one in lightning["phoenixd"].values()
    ]
    return [*lines, "  Macaroons  are printed by mpp-sandbox status -o env"]


def refunds(found: Sequence[Session]) -> list[str]:
    """What stopping gave back of Lightning sessions' deposits, in one line."""
    if not found:
        return []
    spent = sum(one.spent_sat for one in found)
    back = sum(one.refund_sat for one in found if one.refund == "succeeded")
    count = f"{len(found)} Lightning session" + "s" * (len(found) != 1)
    line = f"Closed {count}: {spent:,} sat earned, {back:,} sat given back"
    lost = sum(one.refund_sat for one in found) - back
    return [f"{line}, {lost:,} sat could not be" if lost else line]


def _next(info: Mapping[str, Any]) -> list[str]:
    if "merchants" in info:
        return ["Try it:", f"  mpp-sandbox pay {info['merchants']['url']}/quote"]
    address = info["tempo"]["accounts"][0]["address"]
    return [
        "Try it: give the first account money, then point any MPP SDK at the RPC address",
        f"  curl {info['tempo']['url']} -d '{_CURL % address}'",
    ]
