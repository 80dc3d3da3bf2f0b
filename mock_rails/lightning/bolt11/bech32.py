"""Bech32 (BIP 173) as BOLT 11 uses it: words of five bits, a checksum of six, no limit of 90."""

from __future__ import annotations

from base64 import b32encode
from typing import TYPE_CHECKING, Final

from mock_rails.lightning.bolt11.invoice import Bolt11Error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CHECKSUM: Final = 6

_LETTERS: Final = ALPHABET.encode()
_DIGITS: Final = b"0123456789abcdefghijklmnopqrstuv"
_RFC4648: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_WORDS: Final = bytes(range(32))
# Python has no words of five bits, but it reads and writes base 32: words become digits of its
# alphabets and come back, in one step of C for a whole invoice.
_TO_LETTERS: Final = bytes.maketrans(_WORDS, _LETTERS)
_FROM_LETTERS: Final = bytes.maketrans(_LETTERS, _WORDS)
_TO_DIGITS: Final = bytes.maketrans(_WORDS, _DIGITS)
_FROM_RFC4648: Final = bytes.maketrans(_RFC4648, _WORDS)
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _folded(top: int) -> int:
    folded = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            folded ^= generator
    return folded


_FOLD: Final = tuple(_folded(top) for top in range(32))
"""What the five bits that leave the register do to it: one look-up instead of five tests a word."""

_FOLD_TWO: Final = tuple(
    (_FOLD[top >> 5] & 0x1FFFFFF) << 5 ^ _FOLD[top & 31 ^ _FOLD[top >> 5] >> 25]
    for top in range(1024)
)
"""The same for two words at once."""


def join(prefix: str, words: Sequence[int]) -> str:
    """The text of a prefix and words, with its checksum."""
    remainder = _polymod([*_expanded(prefix), *words, *[0] * CHECKSUM]) ^ 1
    checksum = [remainder >> 5 * (5 - place) & 31 for place in range(CHECKSUM)]
    return prefix + "1" + bytes([*words, *checksum]).translate(_TO_LETTERS).decode()


def split(text: str) -> tuple[str, list[int]]:
    """The prefix and the words of a text, or Bolt11Error if it was mistyped."""
    if text.lower() != text and text.upper() != text:
        raise Bolt11Error("an invoice is all lower case or all upper case, not both")
    text = text.lower()
    prefix, one, data = text.rpartition("1")
    if not one or not prefix or len(data) < CHECKSUM or not prefix.isascii():
        raise Bolt11Error("this is no bech32 text: it has no prefix, or no data after it")
    for letter in data:
        if letter not in ALPHABET:
            raise Bolt11Error(f"the letter {letter!r} is not one of bech32's")
    words = list(data.encode().translate(_FROM_LETTERS))
    if _polymod([*_expanded(prefix), *words]) != 1:
        raise Bolt11Error("the checksum is wrong: the invoice was mistyped or cut off")
    return prefix, words[:-CHECKSUM]


def to_words(data: bytes) -> list[int]:
    """Bytes as words, the last one filled up with zeros."""
    count = (len(data) * 8 + 4) // 5
    return list(b32encode(data).translate(_FROM_RFC4648)[:count])


def to_bytes(words: Sequence[int]) -> bytes:
    """Words as bytes; what is left of the last word must be zeros and less than a word."""
    value = words_to_number(words)
    spare = len(words) * 5 % 8
    if spare >= 5 or value & ((1 << spare) - 1):
        raise Bolt11Error("the bits that fill up a field are not zeros")
    return (value >> spare).to_bytes(len(words) * 5 // 8)


def packed(words: Sequence[int]) -> bytes:
    """Words as bytes for hashing: filled up with zeros on the right."""
    value = words_to_number(words)
    count = (len(words) * 5 + 7) // 8
    return (value << (count * 8 - len(words) * 5)).to_bytes(count)


def number_to_words(value: int, count: int | None = None) -> list[int]:
    """A number as so many words, or as few as it needs."""
    if count is None:
        count = (value.bit_length() + 4) // 5
    return [value >> 5 * place & 31 for place in range(count - 1, -1, -1)]


def words_to_number(words: Iterable[int]) -> int:
    """The number that words spell."""
    return int(bytes(words).translate(_TO_DIGITS) or b"0", 32)


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode()
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _polymod(words: Sequence[int]) -> int:
    register = 1
    odd = len(words) & 1
    if odd:
        register = 1 << 5 ^ words[0]
    for first, second in zip(words[odd::2], words[odd + 1 :: 2], strict=True):
        folded = _FOLD_TWO[register >> 20]
        register = (register & 0xFFFFF) << 10 ^ first << 5 ^ second ^ folded
    return register
