"""The Stripe rail: the part of Stripe's API that the Machine Payments Protocol uses, with state.

Made for unmodified Stripe SDKs pointed at another address. What it does not emulate it refuses by
name; README.md has the table.
"""
