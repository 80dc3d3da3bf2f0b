"""The simulator and the live devnet side by side: service times out of a run, another foretold."""
