"""What a devnet is told: which parts run, where, and with which money.

Values come from options, from `MPP_SANDBOX_*` variables and from the defaults of DESIGN section 3,
in this order; each says clearly when it is wrong, and who said it. Loads nothing of the rails, so
that a wrong option is answered at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mock_rails.arguments import parse_chain_id, parse_duration_ms, parse_history, parse_port
from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "MPP_SANDBOX_"

CONTROL_PORT: Final = 8400
API_PORT: Final = 8402
TEMPO_PORT: Final = 8545
STRIPE_PORT: Final = 12111
LIGHTNING_PORT: Final = 8080
"""The merchant's LND; the payer's is on the next one."""
PHOENIXD_PORT: Final = 9740
OFFSETS: Final = {
    "control_port": 0,
    "api_port": API_PORT - CONTROL_PORT,
    "tempo_port": TEMPO_PORT - CONTROL_PORT,
    "stripe_port": STRIPE_PORT - CONTROL_PORT,
    "lightning_port": 10,
    "phoenixd_port": PHOENIXD_PORT - CONTROL_PORT,
}
"""Where each port is when all are moved together. LND's own one is below the control's."""

ACCOUNTS: Final = 10
MOST_WORKERS: Final = 64
_HIGHEST_PORT: Final = 65_535
_DECIMALS: Final = 6
"""Of the currency that the merchants take."""
AT_SHUTDOWN: Final = ("close", "settle", "keep")
LND_PROFILES: Final = ("0.20", "0.21", "0.20+lenient", "0.21+lenient")
NETWORKS: Final = ("mainnet", "regtest", "signet")
"""Of Lightning, in MPP's words."""
BTC_USD: Final = 100_000
_STORES: Final = ("memory", "sqlite:", "redis://", "rediss://", "unix://")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{1,8192}")


class Part(StrEnum):
    """What a devnet is made of."""

    RAILS = "rails"
    MERCHANTS = "merchants"
    CONTROL = "control"


EVERYTHING: Final = frozenset(Part)


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """One devnet. A port of 0 is any free one."""

    host: str = "127.0.0.1"
    control_port: int = CONTROL_PORT
    api_port: int = API_PORT
    tempo_port: int = TEMPO_PORT
    stripe_port: int = STRIPE_PORT
    lightning_port: int = LIGHTNING_PORT
    phoenixd_port: int = PHOENIXD_PORT
    stripe_proxy: bool = False
    """Whether programs that hard-code Stripe's host find their way to the rail."""
    only: frozenset[Part] = EVERYTHING
    chain_id: int = 1337
    block_time_ms: int | None = None
    """Milliseconds between blocks; None for a block as soon as a transaction arrives."""
    history: int | None = None
    """Blocks that are kept; None for the chain's own default."""
    seed: str = "mpp-sandbox"
    state: Path | None = None
    """Where the rails' state is loaded from at the start and saved at the end."""
    fee_payer: int | None = None
    """The development account that sponsors whoever asks the chain; None for nobody."""
    workers: int = 1
    """Merchant processes; from two on they share the port and the store."""
    store: str = "memory"
    """Where merchants keep channels: `memory`, `sqlite:PATH`, or a Redis URL."""
    chain_url: str | None = None
    """The chain of merchants that run without rails."""
    stripe_url: str | None = None
    """The Stripe of merchants that run without rails; None for no cards."""
    lightning_url: str | None = None
    """The LND of merchants that run without rails; None for no Lightning."""
    lightning_macaroon: str | None = field(default=None, repr=False)
    """What opens it, in hexadecimal."""
    lightning_network: str = "regtest"
    """The network that it is on."""
    lnd_profile: str = "0.21"
    """The LND whose rules and routes the rail's nodes have."""
    btc_usd: int = BTC_USD
    """Dollars for a bitcoin: Lightning's prices are whole satoshis."""
    btc_usd_later: tuple[tuple[int, int], ...] = ()
    """What it becomes, as pairs: so many seconds after the start, so many dollars."""
    server_timing: bool = False
    """Whether paid answers say in a Server-Timing field how long their phases took."""
    settle_every: int | None = None
    """Seconds after which merchants settle a channel that owes them; None for not by time."""
    settle_at_amount: int | None = None
    """Base units owed at which they settle it; None for not by amount."""
    settle_at_units: int | None = None
    """Units delivered at which they settle it; None for not by units."""
    at_shutdown: str = AT_SHUTDOWN[0]
    """What stopping does with channels that owe: `close`, `settle`, or `keep` their vouchers."""

    def __post_init__(self) -> None:
        """Refuse what fits no devnet."""
        if not self.only:
            raise BadInput("A devnet needs at least one part.", hint=_PARTS_HINT)
        if self.only == {Part.CONTROL}:
            raise BadInput(
                "Control alone has nothing to show.", hint="Run it beside rails or merchants."
            )
        if self.chain_url is not None and self.runs(Part.RAILS):
            raise BadInput(
                "An RPC address is for merchants of another chain; this devnet runs its own.",
                hint="Leave it out, or add --only merchants,control.",
            )
        if self.chain_url is None and not self.runs(Part.RAILS):
            raise BadInput(
                "Merchants without rails need the RPC address of a chain.",
                hint="Name it with --chain-url.",
            )
        if self.stripe_url is not None and self.runs(Part.RAILS):
            raise BadInput(
                "An address of Stripe is for merchants of another one; this devnet runs its own.",
                hint="Leave it out, or add --only merchants,control.",
            )
        if self.lightning_url is not None and self.runs(Part.RAILS):
            raise BadInput(
                "An address of LND is for merchants of another one; this devnet runs its own.",
                hint="Leave it out, or add --only merchants,control.",
            )
        if (self.lightning_url is None) != (self.lightning_macaroon is None):
            raise BadInput(
                "An LND has an address and a macaroon.",
                hint="Name both, with --lightning-url and --lightning-macaroon.",
            )
        if self.stripe_proxy and not self.runs(Part.RAILS):
            raise BadInput("A proxy leads to this devnet's own Stripe, and no rails run.")
        if self.fee_payer is not None and not 0 <= self.fee_payer < ACCOUNTS:
            raise BadInput(
                f"There is no development account {self.fee_payer} to pay fees.",
                hint=f"They are numbered 0 to {ACCOUNTS - 1}.",
            )
        if self.workers > 1 and self.runs(Part.RAILS) and not self.runs(Part.MERCHANTS):
            raise BadInput("Workers are merchant processes, and no merchants run.")
        if self.at_shutdown == "keep" and self.store == "memory":
            raise BadInput(
                "Vouchers in memory end with the devnet, so it cannot keep them.",
                hint="Name a store that stays, as --store sqlite:channels.db.",
            )
        self._check_ports()

    def _check_ports(self) -> None:
        taken: dict[int, str] = {}
        for name in self.ports():
            first = getattr(self, name)
            # The payer's LND is on the port after the merchant's.
            for port in (first, first + 1) if name == "lightning_port" else (first,):
                if first and port in taken:
                    raise BadInput(
                        f"Port {port} is asked for twice: {_option(taken[port])} and "
                        f"{_option(name)}."
                    )
                if port > _HIGHEST_PORT:
                    raise BadInput(f"Two LNDs do not fit behind port {first}.")
                taken[port] = name

    def runs(self, part: Part) -> bool:
        """Whether this part is wanted."""
        return part in self.only

    def ports(self) -> tuple[str, ...]:
        """The names of the ports that will be opened."""
        wanted = {
            "control_port": Part.CONTROL,
            "api_port": Part.MERCHANTS,
            "tempo_port": Part.RAILS,
            "stripe_port": Part.RAILS,
            "lightning_port": Part.RAILS,
            "phoenixd_port": Part.RAILS,
        }
        return tuple(name for name, part in wanted.items() if self.runs(part))

    def with_free_ports(self) -> DevnetSettings:
        """The same on any free ports."""
        return replace(
            self,
            control_port=0,
            api_port=0,
            tempo_port=0,
            stripe_port=0,
            lightning_port=0,
            phoenixd_port=0,
        )

    @classmethod
    def read(
        cls, options: Mapping[str, str | None], environment: Mapping[str, str]
    ) -> DevnetSettings:
        """Settings from a command line's texts (None: not given) and an environment.

        `port_base` stands for all ports, each at its distance from N (`OFFSETS`), or all free ones
        if it is 0. Ports that are named one by one come first.
        """
        values: dict[str, Any] = {}
        for name, parse in _PARSERS.items():
            text, who = options.get(name), _option(name)
            if text is None and name not in _WITHOUT_VARIABLE:
                variable = PREFIX + name.upper()
                text, who = environment.get(variable) or None, variable
            if text is not None:
                values[name] = _parsed(text, who, parse)
        if "block_time" in values:
            values["block_time_ms"] = values.pop("block_time")
        base = values.pop("port_base", None)
        if base is not None:
            values = {**_shifted(base), **values}
        return cls(**values)


def _shifted(base: int) -> dict[str, int]:
    if base == 0:
        return dict.fromkeys(OFFSETS, 0)
    highest = _HIGHEST_PORT - max(OFFSETS.values())
    if base > highest:
        raise BadInput(
            f"Ports from {base} on end above {_HIGHEST_PORT}.",
            hint=f"The highest base is {highest}.",
        )
    return {name: base + offset for name, offset in OFFSETS.items()}


def _parsed(text: str, who: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except BadInput as error:
        raise BadInput(f"{who}: {error.detail}", hint=error.hint) from None


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _parse_only(text: str) -> frozenset[Part]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Part)]
    if unknown or not names:
        what = f"{unknown[0]!r} is no part" if unknown else "no part is named"
        raise BadInput(f"{what} of a devnet.", hint=_PARTS_HINT)
    return frozenset(map(Part, names))


def _parse_account(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) >= ACCOUNTS:
        raise BadInput(
            f"There is no development account {text} to pay fees.",
            hint=f"They are numbered 0 to {ACCOUNTS - 1}.",
        )
    return int(text)


def _parse_workers(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or not 1 <= int(text) <= MOST_WORKERS:
        raise BadInput(
            f"{text!r} is no number of merchant processes.",
            hint=f"It is a whole number from 1 to {MOST_WORKERS}.",
        )
    return int(text)


def _parse_seconds(text: str) -> int:
    seconds, rest = divmod(parse_duration_ms(text), 1_000)
    if rest or not seconds:
        raise BadInput(f"{text!r} is no whole number of seconds.", hint="Write 10 or 10s.")
    return seconds


def _parse_money(text: str) -> int:
    from sandbox.client.amounts import parse_amount

    amount = parse_amount(text, _DECIMALS)
    if not amount:
        raise BadInput("Nothing is no amount to settle at.", hint="Write 1.00 or 0.05.")
    return amount


def _parse_units(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or not int(text):
        raise BadInput(f"{text!r} is no number of units.", hint="It is a whole number above 0.")
    return int(text)


def _parse_at_shutdown(text: str) -> str:
    if text not in AT_SHUTDOWN:
        raise BadInput(
            f"{text[:60]!r} is nothing to do with channels at shutdown.",
            hint=f"It is {', '.join(AT_SHUTDOWN[:-1])} or {AT_SHUTDOWN[-1]}.",
        )
    return text


def _parse_store(text: str) -> str:
    if not text.startswith(_STORES) or (text.startswith("memory") and text != "memory"):
        raise BadInput(
            f"{text.partition(':')[0]!r} is no store of channels.",
            hint="It is memory, sqlite:PATH or redis://HOST:PORT/DATABASE.",
        )
    if text == "sqlite:":
        raise BadInput("The SQLite store has no path.", hint="Write sqlite:channels.db.")
    return text


def _parse_url(text: str) -> str:
    return _an_address(text, "no RPC address", "It begins with http://.")


def _parse_stripe_url(text: str) -> str:
    return _an_address(text, "no address of Stripe", "It begins with http://, without /v1.")


def _an_address(text: str, what: str, hint: str) -> str:
    """The address, which is not repeated where it is none: it may hold a key or a password."""
    if not text.startswith(("http://", "https://")):
        raise BadInput(f"This is {what}.", hint=hint)
    return text


def _parse_lnd_url(text: str) -> str:
    return _an_address(text, "no address of LND", "It begins with https:// or http://.")


def _parse_macaroon(text: str) -> str:
    if not text or len(text) % 2 or not _HEX.fullmatch(text):
        raise BadInput(
            "This is no macaroon.", hint="Write it in hexadecimal: xxd -p -c 9999 invoice.macaroon"
        )
    return text.lower()


def _parse_profile(text: str) -> str:
    if text not in LND_PROFILES:
        raise BadInput(
            f"{text[:60]!r} is no LND that is emulated.",
            hint=f"It is {', '.join(LND_PROFILES[:-1])} or {LND_PROFILES[-1]}.",
        )
    return text


def _parse_network(text: str) -> str:
    if text not in NETWORKS:
        raise BadInput(
            f"{text[:60]!r} is no network of MPP's.",
            hint=f"It is {', '.join(NETWORKS[:-1])} or {NETWORKS[-1]}.",
        )
    return text


def _parse_rate(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or not int(text):
        raise BadInput(f"{text!r} is no price of a bitcoin.", hint="Write 100000, in dollars.")
    return int(text)


def _parse_rates(text: str) -> tuple[tuple[int, int], ...]:
    """`120s=50000,3600s=80000`, in order."""
    steps: list[tuple[int, int]] = []
    for part in text.split(","):
        after, sign, rate = part.strip().partition("=")
        if not sign:
            raise BadInput(f"{part[:60]!r} is no step.", hint="Write 120s=50000,3600s=80000.")
        steps.append((_parse_seconds(after), _parse_rate(rate)))
        if steps[-1][0] <= (steps[-2][0] if steps[1:] else 0):
            raise BadInput(f"{part[:60]!r} is not after the step before it.")
    return tuple(steps)


def _parse_switch(text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise BadInput(f"{text[:60]!r} is neither yes nor no.", hint="Write 1 or 0.")
    return _SWITCH[text.lower()]


_WITHOUT_VARIABLE: Final = frozenset({"stripe_url"})
"""Running devnets put their own there, for programs beside them (`sandbox.info`)."""
_SWITCH: Final = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
_PARTS_HINT: Final = f"Its parts are {', '.join(Part)}; name one or several, between commas."

_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "host": str,
    "control_port": parse_port,
    "api_port": parse_port,
    "tempo_port": parse_port,
    "stripe_port": parse_port,
    "lightning_port": parse_port,
    "phoenixd_port": parse_port,
    "stripe_proxy": _parse_switch,
    "port_base": parse_port,
    "only": _parse_only,
    "chain_id": parse_chain_id,
    "block_time": parse_duration_ms,
    "history": parse_history,
    "seed": str,
    "state": Path,
    "fee_payer": _parse_account,
    "workers": _parse_workers,
    "store": _parse_store,
    "chain_url": _parse_url,
    "stripe_url": _parse_stripe_url,
    "lightning_url": _parse_lnd_url,
    "lightning_macaroon": _parse_macaroon,
    "lightning_network": _parse_network,
    "lnd_profile": _parse_profile,
    "btc_usd": _parse_rate,
    "btc_usd_later": _parse_rates,
    "server_timing": _parse_switch,
    "settle_every": _parse_seconds,
    "settle_at_amount": _parse_money,
    "settle_at_units": _parse_units,
    "at_shutdown": _parse_at_shutdown,
}
