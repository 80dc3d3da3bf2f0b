"""Hashes, curves and keys of the chain: the only place that touches a cryptographic library.

Import from the modules: `hashing` is wanted by all, `p256` loads its library only when used.
"""
