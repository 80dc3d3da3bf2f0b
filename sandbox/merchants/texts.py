"""What the example merchants sell: answers that are always the same for the same question.

A language model and a search engine cost money and vary; these are made of a few sentences about
the protocol, so that a test can compare what it bought with what it should have got.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.seeds import Seeds

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTES: Final = (
    ("An API that charges a cent needs no account.", "the quote of this sandbox"),
    ("A price is a header; a receipt is a header; the rest is HTTP.", "the quote of this sandbox"),
    ("Many small payments are one channel and two transactions.", "the quote of this sandbox"),
)

GLOSSARY: Final = {
    "challenge": "The server's offer: what a request costs and how it may be paid.",
    "credential": "The client's answer to a challenge: the proof of its payment.",
    "receipt": "The server's word that the payment was accepted, and where it can be looked up.",
    "intent": "What a payment is: a charge pays once, a session pays as it goes.",
    "method": "The rail that a payment takes: tempo, stripe, lightning.",
    "charge": "One request, one payment, one transaction.",
    "session": "Many requests on one channel, opened and closed on the chain once.",
    "channel": "A deposit that a payer locks up for a payee, paid out by vouchers.",
    "voucher": "A signed total: the payee may take this much from the channel, no more.",
    "deposit": "What a channel holds, and the most that its vouchers can be worth.",
    "settlement": "The payee takes what vouchers authorise, and the channel stays open.",
    "escrow": "The contract that keeps deposits until they are captured or withdrawn.",
    "token": "A unit of text that a language model writes, or a currency on a chain.",
    "gate": "What stands before an API and lets paid requests pass.",
}

_WORD: Final = re.compile(r"[a-z]+")

_OPENINGS: Final = ("In short,", "As a rule,", "Put simply,", "To begin with,", "In practice,")
_SUBJECTS: Final = ("the payer", "the payee", "a voucher", "the channel", "a receipt", "the chain")
_VERBS: Final = ("signs", "keeps", "shows", "counts", "settles", "authorises", "carries")
_OBJECTS: Final = (
    "one total at a time",
    "what was delivered",
    "the deposit in escrow",
    "a proof for each request",
    "less than it could",
    "the price of every token",
)


def quote(number: int) -> dict[str, Any]:
    """One of the quotes, in turn."""
    text, author = QUOTES[number % len(QUOTES)]
    return {"number": number, "quote": text, "author": author}


def search(query: str) -> list[dict[str, str]]:
    """What the glossary has on a query's words, the best answer first."""
    wanted = set(_WORD.findall(query.lower()))
    scored = []
    for term, text in GLOSSARY.items():
        score = 3 * (term in wanted) + len(wanted & set(_WORD.findall(text.lower())))
        if score:
            scored.append((-score, term, text))
    return [{"term": term, "text": text} for _, term, text in sorted(scored)]


def completion(prompt: str) -> Iterator[str]:
    """An endless text that answers a prompt, token by token; the same prompt, the same text."""
    seed = sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
    stream = Seeds(seed).stream("merchants.completion")
    first = True
    while True:
        words = [stream.choice(_SUBJECTS), stream.choice(_VERBS), stream.choice(_OBJECTS)]
        if stream.integer(0, 2) == 0:
            words.insert(0, stream.choice(_OPENINGS))
        sentence = " ".join(words)
        for word in f"{sentence[0].upper()}{sentence[1:]}.".split():
            yield word if first else f" {word}"
            first = False
