"""Native contracts: Tempo's precompiles in Python, each a class that reads like its specification."""
