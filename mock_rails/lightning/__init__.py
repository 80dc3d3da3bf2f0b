"""The Lightning rail: nodes, channels, invoices and payments, in millisatoshis and without a node.

Made for unmodified clients of LND and phoenixd. What it does not emulate it refuses by name;
README.md has the table.
"""
