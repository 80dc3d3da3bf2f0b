"""LND's REST interface to one node: `LndApi` (facts: lightning 4.2-4.4)."""
