"""Channels in words and as JSON, from the payer's book and from the merchants'. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.cli.writing import money, paint, paint_state, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandbox.client.session import PayerChannel

_COLUMNS: Final = "  {:<14}  {:<8}  {:>10}  {:>10}  {:>10}  {}"


def payer_json(channel: PayerChannel) -> dict[str, Any]:
    """A channel of the payer's book for programs; amounts are text, proofs are left out."""
    return {
        "id": f"0x{channel.id.hex()}",
        "state": channel.state.value,
        "protocol": channel.protocol.value,
        "chain_id": channel.chain_id,
        "host": channel.host,
        "url": channel.url,
        "payer": f"0x{channel.descriptor.payer.hex()}",
        "payee": f"0x{channel.descriptor.payee.hex()}",
        "token": f"0x{channel.descriptor.token.hex()}",
        "deposit": str(channel.deposit),
        "signed": str(channel.signed),
        "claimed": str(channel.claimed),
        "spent": str(channel.spent),
        "captured": None if channel.captured is None else str(channel.captured),
        "opened_at_s": channel.opened_at_s,
        "close_requested_at_s": channel.close_requested_at_s or None,
        "closed_tx": channel.closed_tx and f"0x{channel.closed_tx.hex()}",
    }


def deposit_json(channel: PayerChannel) -> dict[str, Any]:
    """What became of a channel's deposit: as for a Lightning session, in the token's base units.
    Until it is closed, what the merchant could take at most counts as used."""
    used = channel.signed if channel.captured is None else channel.captured
    return {
        "method": "tempo/session",
        "id": f"0x{channel.id.hex()}",
        "state": channel.state.value,
        "currency": f"0x{channel.descriptor.token.hex()}",
        "deposit": str(channel.deposit),
        "used": str(used),
        "back": str(channel.deposit - used),
    }


def payer_rows(channels: Sequence[PayerChannel]) -> list[str]:
    """The payer's channels in columns."""
    if not channels:
        return ["  none"]
    lines = [_COLUMNS.format("channel", "state", "spent", "signed", "deposit", "host")]
    for one in channels:
        name = f"0x{one.id.hex()}"
        amounts = (money(amount) for amount in (one.spent, one.signed, one.deposit))
        columns = "  ".join(f"{amount:>10}" for amount in amounts)
        lines.append(
            f"  {shorten(name):<14}  {paint_state(one.state.value)}  {columns}  {one.host}"
        )
    return lines


def merchant_rows(channels: Sequence[Mapping[str, Any]]) -> list[str]:
    """The merchants' channels in columns."""
    if not channels:
        return ["  none"]
    lines = [_COLUMNS.format("channel", "state", "spent", "accepted", "deposit", "payer")]
    for one in channels:
        amounts = (money(int(one[name])) for name in ("spent", "accepted", "deposit"))
        columns = "  ".join(f"{amount:>10}" for amount in amounts)
        payer = shorten(one["payer"])
        lines.append(
            f"  {shorten(one['id']):<14}  {paint_state(one['status'])}  {columns}  {payer}"
        )
    return lines


def both_sides(ours: PayerChannel | None, theirs: Mapping[str, Any] | None) -> list[str]:
    """One channel, as each side knows it."""
    return [*_payer_lines(ours), "", *_merchant_lines(theirs)]


def _payer_lines(channel: PayerChannel | None) -> Iterator[str]:
    yield paint("As its payer remembers it", "cyan")
    if channel is None:
        yield "  not in this book"
        return
    told = payer_json(channel)
    yield from _rows(told, ("id", "state", "host", "url", "payer", "payee"))
    yield _row("deposit", money(channel.deposit))
    yield _row("signed", f"{money(channel.signed)} (the highest voucher)")
    yield _row("spent", f"{money(channel.spent)} (confirmed by receipts)")
    if channel.captured is not None:
        yield _row("captured", money(channel.captured))
    if told["closed_tx"]:
        yield _row("closed by", told["closed_tx"])


def _merchant_lines(channel: Mapping[str, Any] | None) -> Iterator[str]:
    yield paint("As the merchants know it", "cyan")
    if channel is None:
        yield "  not known to them, or no devnet is running"
        return
    yield from _rows(channel, ("id", "status", "payer", "payee"))
    yield _row("deposit", money(int(channel["deposit"])))
    yield _row("accepted", f"{money(int(channel['accepted']))} (the highest voucher)")
    yield _row("spent", f"{money(int(channel['spent']))} for {channel['units']} units")
    yield _row("settled", f"{money(int(channel['settled']))} captured on the chain")
    yield _row("exposure", f"{money(int(channel['exposure']))} delivered and not settled")
    yield from _rows(channel, ("opened_tx", "closed_tx"))


def _rows(told: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if told.get(name) is not None:
            yield _row(name.replace("_tx", " by"), str(told[name]))


def _row(label: str, text: str) -> str:
    return f"  {label:<12}{text}"
