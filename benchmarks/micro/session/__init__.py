"""Our gate and an mppx server, side by side and interleaved: `make bench-session`.

Bars and aims are those of DESIGN 2.3; how the servers are set up is in facts, performance 6.
"""
