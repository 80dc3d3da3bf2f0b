"""Side-by-side measurements of the sandbox and what people would use instead, interleaved."""
