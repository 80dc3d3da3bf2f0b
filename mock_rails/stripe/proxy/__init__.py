"""A way in for programs that hard-code Stripe's host: a certificate authority of our own and a
proxy that ends TLS for that host (facts: stripe 5).

    async with StripeProxy(rail_port=12111, folder=Path("ca")) as proxy:
        run(program, env=proxy.environment())

Nothing is changed on the machine: no root, no hosts file. Only programs that are told to trust the
authority do, and the proxy refuses every other host, so nothing leaves the machine through it.
"""

from mock_rails.stripe.proxy.authority import Authority
from mock_rails.stripe.proxy.proxy import HOSTS, StripeProxy

__all__ = ["HOSTS", "Authority", "StripeProxy"]
