"""A Tempo-compatible chain in one process, from raw transactions to JSON-RPC."""
