"""`make demo`: the protocol's story in a terminal, measured on the devnet as it is told."""
