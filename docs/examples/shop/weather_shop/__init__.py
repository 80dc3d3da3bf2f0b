"""A weather station that sells its readings, and a customer of such stations."""
