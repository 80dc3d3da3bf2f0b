"""Parameters with which each study takes a moment, for tests that ask whether, not how much."""

from __future__ import annotations

QUICK: dict[str, dict[str, str]] = {
    "block_time": {"block_times_ms": "1,500", "visits": "20", "requests": "5"},
    "break_even": {"requests": "1,10", "visits": "20"},
    "card_retries": {"purchases": "60", "declines": "0,0.2"},
    "charge_vs_session": {"requests": "1,10", "visits": "40"},
    "deposit_size": {"deposits": "3,30", "visits": "20"},
    "fee_spike": {"spike_s": "15", "requests": "5"},
    "fleet": {"agents": "1000", "requests": "5", "block_ms": "5000"},
    "lightning_liquidity": {"capacities": "20000000", "horizon_s": "60"},
    "limits": {"runaways": "0,5", "agents": "20", "horizon_s": "60"},
    "outage": {"outages_s": "0,60", "horizon_s": "120"},
    "registry_sessions": {"requests": "1,30", "exponents": "1", "visits": "5"},
    "settlement": {"schedules": "10r,60s,end", "channels": "2", "horizon_s": "60"},
    "voucher_check": {"per_s": "100", "vouchers": "200"},
    "x402": {"requests": "1,10", "visits": "30"},
    "voucher_step": {"steps": "1,10", "rtt_ms": "50", "tokens": "200"},
}
