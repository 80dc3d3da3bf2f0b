"""The payment methods that pympp lacks, each shaped like one of pympp's so that it could go there.

A method is a pure protocol: bytes and JSON in, decisions out. It does no I/O, knows no web
framework and takes every time as an argument; `sandbox.server` and `sandbox.client` are its shells.
"""
