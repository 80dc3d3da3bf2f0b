"""Subscriptions and the invoices they make, as far as the MPP draft for Stripe subscriptions uses
them (draft-stripe-subscription-00; facts: stripe 1.9)."""
