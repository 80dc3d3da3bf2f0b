"""The protocol room: real MPP servers and clients on top of the rails, and the devnet around them.

It may import `mock_rails` and nothing of `scenarios` or `benchmarks`. Modules here are imported
when a command needs them, so that `mpp-sandbox --help` answers at once.
"""
