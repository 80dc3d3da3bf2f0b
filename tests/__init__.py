"""All tests. A package, so that helpers import as `tests...` whatever else is installed."""
