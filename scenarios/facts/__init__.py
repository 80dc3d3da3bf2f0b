"""Numbers from outside: what operations cost and how long they take, each with source and date.

What the rails know already is imported from them; the rest is written down once, here.
"""
