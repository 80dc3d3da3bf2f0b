"""Webhooks: a signed message to every endpoint that asked for an event (facts: stripe 4).

`queue` decides what is to be sent, in the transaction of what happened; `deliverer` sends it;
`signature` is what receivers check.
"""
