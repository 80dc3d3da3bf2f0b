"""A Tempo-compatible chain in one process: state, blocks, transactions, native contracts, JSON-RPC."""
