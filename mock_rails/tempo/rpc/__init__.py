"""The chain's JSON-RPC: a dispatcher that knows no method, and one module per family of methods."""
