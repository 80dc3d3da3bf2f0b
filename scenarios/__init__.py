"""The what-if room: SimPy models of paying agents, with no web server, network or wall clock.

Scenarios learn about the real devnet only through files that `benchmarks` wrote, never through an
import, so that a study runs on a machine that has no rail at all.
"""
