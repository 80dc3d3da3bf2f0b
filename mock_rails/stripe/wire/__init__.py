"""The wire: form bodies in, JSON out, and everything Stripe does between the two."""
