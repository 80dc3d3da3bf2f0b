"""The real gate, client and rails on virtual time, under random work and random faults.

`python -m tests.simulation.world --seeds 1000` runs as many worlds, each from its own seed; a
failure names the seed, the step and what did not hold (style 1.2, item 7: VOPR).
"""
