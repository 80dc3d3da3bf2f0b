"""PaymentIntents: what is to be paid, and how far it has come (facts: stripe 1.5).

states       the states, and what may be done in each
selection    which types of payment method one takes
creating     making one
updating     what is said about it before it is paid
confirming   trying to charge it
authorizing  what the card's bank says
lifecycle    every change of state, with its charge, money and events
capturing    manual capture, cancelling, and the end of 3D Secure
charges      the charge object
"""

from mock_rails.stripe.intents.capturing import authenticate, cancel, capture
from mock_rails.stripe.intents.confirming import confirm
from mock_rails.stripe.intents.creating import create
from mock_rails.stripe.intents.updating import update

__all__ = ["authenticate", "cancel", "capture", "confirm", "create", "update"]
