"""The error that a signature is not what it claims to be."""

from __future__ import annotations


class SignatureError(ValueError):
    """A signature that is malformed, out of range, malleable, or proves nothing.

    The cryptographic layer knows nothing of JSON-RPC; the codec turns this into the node's error.
    """
