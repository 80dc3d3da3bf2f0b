"""phoenixd's HTTP interface: forms in, indented JSON or plain text out (facts: lightning 4.5)."""
