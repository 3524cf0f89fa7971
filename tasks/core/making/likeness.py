"""Likeness of names of columns: by their words, whatever their case, and but for the year."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from functools import lru_cache

SAME, SAME_BUT_FOR_THE_YEAR = 1.0, 0.99
NEAR = 0.5  # of the letters are in words of both, where all words of one are in the other
NEARER = 0.75  # where each has words of its own
ALIKE = 0.85  # two spellings of one word
YEARS_APART = 3  # at most, of years in two digits
SHORTEST_BEGINNING, SHORTEST_SPELLING = 3, 5  # letters of words that may be one word


def likeness(name: str, heading: str) -> float:
    """Tell how near two names are, from 0 (not at all) to 1 (the same words).

    Numbers must be the same, but for one that can be a year: P22_POP is near to P23_POP, and
    B01001_E001 to no other line of that table.
    """
    first, second = _words(name), _words(heading)
    if not first or not second or not _same_numbers(first, second):
        return 0.0
    texts = [[word for word in words if not word.isdecimal()] for words in (first, second)]
    if "".join(texts[0]) == "".join(texts[1]):
        return SAME if "".join(first) == "".join(second) else SAME_BUT_FOR_THE_YEAR
    return SAME_BUT_FOR_THE_YEAR * _shared(*texts)


@lru_cache(maxsize=10_000)
def _words(name: str) -> tuple[str, ...]:
    """Give the words and numbers of a name, in small letters without accents."""
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).casefold()
    return tuple(re.findall(r"[^\W\d_]+|\d+", parted))


def _same_numbers(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    ours, theirs = (Counter(filter(str.isdecimal, words)) for words in (first, second))
    gone, new = list((ours - theirs).elements()), list((theirs - ours).elements())
    if len(gone) > 1 or len(new) > 1:
        return False
    if gone and new and len(gone[0]) == len(new[0]) == 2:
        return abs(int(gone[0]) - int(new[0])) <= YEARS_APART
    return all(_has_year(number) for number in [*gone, *new])


def _has_year(number: str) -> bool:
    """Tell whether a number is a year or a day, such as 2022, 20220101 or 01012022."""
    return bool(re.fullmatch(r"(\d{4})?(19|20|21)\d\d|(19|20|21)\d{6}", number))


def _shared(first: list[str], second: list[str]) -> float:
    """Give the share of the letters that both have; 0 where too few are in words of both."""
    left, both, letters = list(second), 0, 0
    for word in sorted(first, key=len, reverse=True):
        if match := next((other for other in left if _is_one_word(word, other)), None):
            left.remove(match)
            both += len(word) + len(match)
            letters += 2 * min(len(word), len(match))
    total = sum(map(len, [*first, *second]))
    matched = len(second) - len(left)
    needed = NEAR if matched in (len(first), len(second)) else NEARER
    return letters / total if matched and both >= needed * total else 0.0


def _is_one_word(one: str, other: str) -> bool:
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) >= SHORTEST_BEGINNING and longer.startswith(shorter):
        return True
    return (
        len(shorter) >= SHORTEST_SPELLING
        and len(longer) - len(shorter) <= 2
        and SequenceMatcher(None, shorter, longer).ratio() >= ALIKE
    )
