"""LND's calls that concern the node, its channels and routes (facts: lightning 4.3, calls 5 to 7
and 12)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from mock_rails.lightning import routing
from mock_rails.lightning.bolt11 import Bolt11, Bolt11Error, decode
from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.lnd import shapes
from mock_rails.lightning.lnd.amounts import fee_limit, one_amount
from mock_rails.lightning.lnd.call import Call, Endpoint
from mock_rails.lightning.lnd.fields import (
    INT32,
    INT64,
    UINT32,
    Message,
    anything,
    data,
    double,
    listed,
    text,
    truth,
)
from mock_rails.lightning.lnd.payments import FEE_LIMIT
from mock_rails.lightning.model import FailureReason
from mock_rails.lightning.network import HEIGHT, MOST_IN_FLIGHT

if TYPE_CHECKING:
    from mock_rails.lightning.model import Channel, Hop

_NOTHING: Final = Message({})
_PAY_REQ: Final = Message({"pay_req": text})
_CHANNELS: Final = Message(
    {
        "active_only": truth,
        "inactive_only": truth,
        "public_only": truth,
        "private_only": truth,
        "peer": data,
        "peer_alias_lookup": truth,
    }
)
_ROUTES: Final = Message(
    {
        "pub_key": text,
        "amt": INT64,
        "amt_msat": INT64,
        "final_cltv_delta": INT32,
        "fee_limit": FEE_LIMIT,
        "use_mission_control": truth,
        "cltv_limit": UINT32,
        "time_pref": double,
    }
)
_ESTIMATE: Final = Message(
    {
        "dest": data,
        "amt_sat": INT64,
        "payment_request": text,
        "timeout": UINT32,
        "outgoing_chan_ids": listed(anything),
    }
)

_DEFAULT_CLTV: Final = 80
_DUST_SAT: Final = 354
_CSV: Final = 144


# -- the node -------------------------------------------------------------------------------------


async def _info(call: Call) -> dict[str, Any]:
    node, network = call.node, call.rail.settings.network
    channels = node.channels()
    pubkey = node.pubkey.hex()
    version = f"{call.rail.settings.lnd_version}.0-beta"
    return {
        "version": f"{version} commit=v{version}",
        "commit_hash": sha256(version.encode()).hexdigest()[:40],
        "identity_pubkey": pubkey,
        "alias": node.alias,
        "color": "#3399ff",
        "num_pending_channels": 0,
        "num_active_channels": sum(_is_active(call, one) for one in channels),
        "num_inactive_channels": sum(not _is_active(call, one) for one in channels),
        "num_peers": len({one.peer(node.name).node for one in channels}),
        "block_height": HEIGHT,
        "block_hash": sha256(f"{network} {HEIGHT}".encode()).hexdigest(),
        "best_header_timestamp": str(call.rail.context.clock.now_s()),
        "synced_to_chain": True,
        "synced_to_graph": True,
        "testnet": network == "testnet",
        "chains": [{"chain": "bitcoin", "network": network}],
        "uris": [f"{pubkey}@127.0.0.1:{9735 + node.state.number - 1}"],
        "features": shapes.features(),
        "require_htlc_interceptor": False,
        "store_final_htlc_resolutions": False,
        "wallet_synced": True,
    }


async def _pay_req(call: Call) -> dict[str, Any]:
    return shapes.pay_req(_decoded(call, call.fields["pay_req"]))


def _decoded(call: Call, written: str) -> Bolt11:
    network = call.rail.settings.network
    try:
        decoded = decode(written)
    except Bolt11Error as error:
        raise LightningError(error.detail) from None
    if decoded.network != network:
        raise LightningError(f"invoice not for current active network '{network}'")
    return decoded


# -- channels -------------------------------------------------------------------------------------


async def _balance(call: Call) -> dict[str, Any]:
    name = call.node.name
    pairs = [(one.end(name), one.peer(name)) for one in call.node.channels()]
    own_msat = sum(own.balance_msat for own, _ in pairs)
    nothing = shapes.amount(0)
    return {
        "balance": str(own_msat // 1_000),
        "pending_open_balance": "0",
        "local_balance": shapes.amount(own_msat),
        "remote_balance": shapes.amount(sum(peer.balance_msat for _, peer in pairs)),
        "unsettled_local_balance": shapes.amount(sum(own.in_flight_msat for own, _ in pairs)),
        "unsettled_remote_balance": shapes.amount(sum(peer.in_flight_msat for _, peer in pairs)),
        "pending_open_local_balance": nothing,
        "pending_open_remote_balance": nothing,
        "custom_channel_data": "",
    }


async def _chain_balance(call: Call) -> dict[str, Any]:
    """There is no chain here, and nothing on it."""
    return {
        "total_balance": "0",
        "confirmed_balance": "0",
        "unconfirmed_balance": "0",
        "locked_balance": "0",
        "reserved_balance_anchor_chan": "0",
        "account_balance": {},
    }


async def _channels(call: Call) -> dict[str, Any]:
    asked, name = call.fields, call.node.name
    network = call.rail.network
    fitting = [
        one
        for one in call.node.channels()
        if not (asked["active_only"] and not _is_active(call, one))
        and not (asked["inactive_only"] and _is_active(call, one))
        and not (asked["public_only"] and one.private)
        and not (asked["private_only"] and not one.private)
        and (not asked["peer"] or network.nodes[one.peer(name).node].pubkey == asked["peer"])
    ]
    return {"channels": [_channel(call, one) for one in fitting]}


def _is_active(call: Call, channel: Channel) -> bool:
    nodes = call.rail.network.nodes
    return all(nodes[end.node].online for end in channel.ends)


def _channel(call: Call, channel: Channel) -> dict[str, Any]:
    name = call.node.name
    own, peer = channel.end(name), channel.peer(name)
    pending = _pending(call, channel)
    limits = {
        "csv_delay": _CSV,
        "chan_reserve_sat": str(channel.reserve_msat // 1_000),
        "dust_limit_sat": str(_DUST_SAT),
        "max_pending_amt_msat": str(channel.capacity_msat - channel.reserve_msat),
        "min_htlc_msat": str(own.policy.min_htlc_msat),
        "max_accepted_htlcs": MOST_IN_FLIGHT,
    }
    funding = sha256(b"funding" + channel.scid.to_bytes(8, "big")).hexdigest()
    return {
        "active": _is_active(call, channel),
        "remote_pubkey": call.rail.network.nodes[peer.node].pubkey.hex(),
        "channel_point": f"{funding}:0",
        "chan_id": str(channel.scid),
        "capacity": str(channel.capacity_msat // 1_000),
        "local_balance": str(own.balance_msat // 1_000),
        "remote_balance": str(peer.balance_msat // 1_000),
        "commit_fee": "0",
        "commit_weight": "0",
        "fee_per_kw": "0",
        "unsettled_balance": str((own.in_flight_msat + peer.in_flight_msat) // 1_000),
        "total_satoshis_sent": "0",
        "total_satoshis_received": "0",
        "num_updates": "0",
        "pending_htlcs": pending,
        "csv_delay": _CSV,
        "private": channel.private,
        "initiator": channel.ends[0].node == name,
        "chan_status_flags": "ChanStatusDefault",
        "local_chan_reserve_sat": str(channel.reserve_msat // 1_000),
        "remote_chan_reserve_sat": str(channel.reserve_msat // 1_000),
        "static_remote_key": False,
        "commitment_type": "ANCHORS",
        "lifetime": "0",
        "uptime": "0",
        "close_address": "",
        "push_amount_sat": "0",
        "thaw_height": 0,
        "local_constraints": limits,
        "remote_constraints": {**limits, "min_htlc_msat": str(peer.policy.min_htlc_msat)},
        "alias_scids": [],
        "zero_conf": False,
        "zero_conf_confirmed_scid": "0",
        "peer_alias": peer.node if call.fields["peer_alias_lookup"] else "",
        "peer_scid_alias": "0",
        "memo": "",
        "custom_channel_data": "",
    }


def _pending(call: Call, channel: Channel) -> list[dict[str, Any]]:
    """The HTLCs that the channel holds now: of an attempt, the hops that it has locked."""
    return [
        {
            "incoming": hop.receiver == call.node.name,
            "amount": str(hop.amount_msat // 1_000),
            "hash_lock": shapes.b64(attempt.payment_hash),
            "expiration_height": hop.expiry,
            "htlc_index": str(attempt.id),
            "forwarding_channel": "0",
            "forwarding_htlc_index": "0",
            "locked_in": True,
        }
        for attempt in call.rail.travel.attempts.values()
        for hop in attempt.hops[: attempt.locked]
        if hop.scid == channel.scid
    ]


# -- routes ---------------------------------------------------------------------------------------


async def _routes(call: Call) -> dict[str, Any]:
    asked = call.fields
    amount_msat = one_amount(asked["amt"], asked["amt_msat"])
    try:
        payee = bytes.fromhex(asked["pub_key"])
    except ValueError:
        raise LightningError("encoding/hex: the public key is not hexadecimal") from None
    hops = _find(call, _to(call, payee, asked["final_cltv_delta"]), amount_msat)
    limit_msat = fee_limit(asked["fee_limit"], amount_msat)
    if hops is None or hops[0].amount_msat - amount_msat > limit_msat:
        raise LightningError("unable to find a path to destination")
    return {"routes": [shapes.route(call.rail.network, hops)], "success_prob": 1}


async def _estimate(call: Call) -> dict[str, Any]:
    """EstimateRouteFee: what a payment would cost, without paying."""
    asked = call.fields
    call.refuse("outgoing_chan_ids")
    if asked["payment_request"]:
        wanted = _decoded(call, asked["payment_request"])
        if not wanted.amount_msat:
            raise LightningError("amount must be specified when paying a zero amount invoice")
        amount_msat = wanted.amount_msat
    else:
        wanted, amount_msat = _to(call, asked["dest"], 0), one_amount(asked["amt_sat"], 0)
    hops = _find(call, wanted, amount_msat)
    reason = FailureReason.NO_ROUTE if hops is None else FailureReason.NONE
    return {
        "routing_fee_msat": str(0 if hops is None else hops[0].amount_msat - amount_msat),
        "time_lock_delay": str(0 if hops is None else hops[0].expiry),
        "failure_reason": reason.value,
    }


def _to(call: Call, payee: bytes, cltv: int) -> Bolt11:
    """What an invoice of that node would say, for calls that have none."""
    return Bolt11(
        network=call.rail.settings.network,
        payment_hash=bytes(32),
        payment_secret=bytes(32),
        timestamp_s=0,
        min_final_cltv=cltv or _DEFAULT_CLTV,
        payee=payee,
    )


def _find(call: Call, wanted: Bolt11, amount_msat: int) -> tuple[Hop, ...] | None:
    name = call.rail.network.by_pubkey.get(wanted.payee)
    if not amount_msat:
        raise LightningError("amount must be greater than 0")
    if name is None or name == call.node.name:
        return None
    call.rail.catch_up()
    wish = routing.Wish(call.node.name, name, amount_msat, wanted)
    return routing.find(call.rail.network, wish)


_INFO: Final = ("info", "read")
_OFFCHAIN: Final = ("offchain", "read")

ENDPOINTS: Final = (
    Endpoint("GET", "/v1/getinfo", _INFO, _NOTHING, _info),
    Endpoint("GET", "/v1/payreq/{pay_req}", _OFFCHAIN, _PAY_REQ, _pay_req),
    Endpoint("GET", "/v1/balance/channels", _OFFCHAIN, _NOTHING, _balance),
    Endpoint("GET", "/v1/balance/blockchain", ("onchain", "read"), _NOTHING, _chain_balance),
    Endpoint("GET", "/v1/channels", _OFFCHAIN, _CHANNELS, _channels),
    Endpoint("GET", "/v1/graph/routes/{pub_key}/{amt}", _INFO, _ROUTES, _routes),
    Endpoint("POST", "/v2/router/route/estimatefee", _OFFCHAIN, _ESTIMATE, _estimate),
)
