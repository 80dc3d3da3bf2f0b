"""Several merchant processes behind one port, for `mpp-sandbox up --workers N`.

The devnet's process opens the port, keeps the chain and the books, and serves no paid request
itself. Each worker inherits the open socket, so that the system hands a connection to whichever is
free; all share one store of channels and speak to the chain by JSON-RPC. A worker's standard input
is its lifeline: it stops when that ends, even if its parent was killed.

A second devnet finds the port busy: it is opened once, and not shared by address.
"""
