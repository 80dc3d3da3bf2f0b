"""Side-by-side measurements: the sandbox and what people would use instead, in one interleaved run."""
