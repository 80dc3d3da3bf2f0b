"""Native contracts: Tempo's precompiles, each a class that reads like its specification."""
