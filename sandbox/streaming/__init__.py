"""The two wires of a metered stream, as server and client both speak them.

`events` is Server-Sent Events, `frames` the JSON frames of a paid WebSocket (facts: protocol 2.8
and 2.9). Bytes and text in, values out: no I/O here.
"""
