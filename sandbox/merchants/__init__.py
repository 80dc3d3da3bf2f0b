"""Example paid APIs: fixed price, by the request, by the token, by several methods.

Ordinary ASGI applications that know nothing of payment; the gate in front of them asks for it
(DESIGN section 3 lists the routes).
"""
