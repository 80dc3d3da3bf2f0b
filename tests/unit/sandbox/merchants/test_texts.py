"""What the merchants sell: the same answer to the same question, today and tomorrow."""

from __future__ import annotations

from itertools import islice

from sandbox.merchants import texts


def test_a_prompt_has_one_completion() -> None:
    first = list(islice(texts.completion("What is a voucher?"), 40))
    assert first == list(islice(texts.completion("What is a voucher?"), 40))
    assert first != list(islice(texts.completion("What is a channel?"), 40))


def test_a_longer_completion_begins_like_a_shorter_one() -> None:
    assert list(islice(texts.completion("x"), 50))[:10] == list(islice(texts.completion("x"), 10))


def test_tokens_put_together_are_a_text() -> None:
    text = "".join(islice(texts.completion(""), 60))
    assert not text.startswith(" ")
    assert "  " not in text
    assert text[0].isupper()
    assert ". " in text


def test_any_prompt_is_answered() -> None:
    for prompt in ("", "\n\0", "\ud800", "x" * 4_000):
        assert len(list(islice(texts.completion(prompt), 3))) == 3


def test_a_search_finds_the_term_itself_first() -> None:
    assert texts.search("What is a VOUCHER?")[0]["term"] == "voucher"
    assert texts.search("zebra") == []
    assert texts.search("") == []


def test_quotes_come_in_turn() -> None:
    assert texts.quote(0) != texts.quote(1)
    assert texts.quote(0)["quote"] == texts.quote(len(texts.QUOTES))["quote"]
