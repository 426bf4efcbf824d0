"""Linguist's own classifier, restated from lib/linguist/classifier.rb and ext/linguist/tokenizer.l of 9.6 (MIT).

Tokens of at most 16 bytes; those of at least two samples; (1 + log tf) * (1 + log(classes / classes with it)), of
length 1; the mean of a class's samples, of length 1; cosine. It is asked over all its classes, which linguist itself
never does. Flex takes the longest match, the first rule of equal ones: so does `regex` with its POSIX flag.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import regex

HEAD_BYTES = 50 * 1024
MAX_TOKEN = 16

_LINES = {
    rb"[ \t]*#+(?: .*|\n)": b"COMMENT#", rb"[ \t]*//!(?: .*|\n)": b"COMMENT//!", rb"[ \t]*//.*\n?": b"COMMENT//",
    rb"[ \t]*--(?: .*|\n)": b"COMMENT--", rb"[ \t]*%+(?: .*|\n)": b"COMMENT%", rb'[ \t]*"(?: .*|\n)': b'COMMENT"',
    rb"[ \t]*;+(?: .*|\n)": b"COMMENT;", rb'\.[ \t]*\\"(?:.*|\n)': b'COMMENT.\\"',
    rb"'[ \t]*\\\"(?:.*|\n)": b"COMMENT'\\\"", rb"\$! (?:.*|\n)": b"COMMENT$!",
}  # fmt: skip
_BLOCKS = {
    b"/**": (b"COMMENT/**", b"*/"), b"/*!": (b"COMMENT/*!", b"*/"), b"/*": (b"COMMENT/*", b"*/"),
    b"<!--": (b"COMMENT<!--", b"-->"), b"{-": (b"COMMENT{-", b"-}"), b"(*": (b"COMMENT(*", b"*)"),
    b'"""': (b'COMMENT"""', b'"""'), b"'''": (b"COMMENT'''", b"'''"), b"/--": (b"COMMENT/-", b"-/"),
    b"/-": (b"COMMENT/-", b"-/"),
}  # fmt: skip
_FED = (
    rb"[.@#$]?[A-Za-z0-9_]+", rb"\(+\)+", rb"\{+\}+", rb"\[+\]+", rb"\(+|\)+", rb"\{+|\}+", rb"\[+|\]+",
    rb"\$(?:\(+|\{+|\[+)", rb"\(\.\.\.\)|\{\.\.\.\}|\[\.\.\.\]", rb"&>|<&-?|&>>|>&", rb"\|&|&\|", rb"-+>+", rb"<+-+",
    rb"!+=+", rb"[<>]*=+[<>]*", rb"</?[?%!#@]", rb"[?%!]>", rb"[<>/]+", rb"[-+*/%&|^~:]=+", rb"[!=]~", rb":-",
    rb"\.\*+\??", rb"\.\++\??", rb"\(\?:", *(regex.escape(bytes([c])) + rb"+" for c in b"-!#$%&*+,.:;?@\\^`|~"),
)  # fmt: skip
_NUMBER = rb"(?:0x[0-9a-fA-F][0-9a-fA-F.]*|[0-9][0-9.]*)(?:[uU][lL]?[lL]?|(?:[eE][-+][0-9]*)?[fFlL]*)"
_RULES = regex.compile(
    rb"(?P<env>^\#![ \t]*(?:[A-Za-z0-9_/]*/)?env(?:[ \t]+(?:[^ \t=]*=[^ \t]*))*[ \t]+[A-Za-z_]+)"
    rb"|(?P<shebang>^\#![ \t]*[A-Za-z_/]+)"
    + b"".join(b"|(?P<line%d>^%b)" % (i, rule) for i, rule in enumerate(_LINES))
    + rb"|(?P<empty>/\*\*/)|(?P<block>" + b"|".join(map(regex.escape, _BLOCKS)) + rb")|(?P<roff>^\.ig\n)"
    + rb"|(?P<nothing>\"\"|'')|(?P<quote>[\"'])|(?P<number>" + _NUMBER + rb")|(?P<fed>" + b"|".join(_FED) + rb")",
    regex.POSIX | regex.MULTILINE | regex.VERSION1,
)  # fmt: skip
_STRING = {quote: regex.compile(rb"(?:[^\\\n%b]|\\(?s:.))*+[\n%b]" % (quote, quote)) for quote in (b'"', b"'")}


def tokens(text: bytes) -> list[bytes]:
    """What linguist's tokenizer gives of a text."""
    labels = list(_LINES.values())
    found: list[bytes] = []
    at = 0
    while (match := _RULES.search(text, at)) is not None:
        rule, words, at = str(match.lastgroup), match.group(), match.end()
        if rule == "fed":
            found.append(words[:MAX_TOKEN])
        elif rule in ("env", "shebang"):
            name = words.rpartition(b" " if rule == "env" else b"/")[2] or words
            at = text.find(b"\n", at) + 1
            if not at:
                break
            if rule == "env" or name != b"env":
                found.append(b"SHEBANG#!" + name[:MAX_TOKEN])
        elif rule.startswith("line"):
            found.append(labels[int(rule[4:])])
        elif rule == "empty":
            found.append(b"COMMENT/*")
        elif rule in ("block", "roff"):
            label, end = _BLOCKS.get(words, (b"COMMENT.ig", b"..\n"))
            found.append(label)
            at = text.find(end, at) + len(end)
            if at < len(end):
                break
        elif rule == "quote":
            string = _STRING[words].match(text, at)
            if string is None:
                break
            at = string.end()
    return found


class LinguistClassifier:
    """Trained on (language, tokens of the whole text) of samples."""

    def __init__(self, samples: list[tuple[str, Counter[bytes]]]) -> None:
        in_samples = Counter(token for _, counts in samples for token in counts)
        kept = {token for token, number in in_samples.items() if number >= 2}
        of_class = defaultdict[str, list[Counter[bytes]]](list)
        for language, counts in samples:
            of_class[language].append(counts)
        self.classes = sorted(of_class)
        in_classes = Counter(t for rows in of_class.values() for t in set().union(*rows) if t in kept)
        self._rarity = {token: math.log(len(of_class) / number) + 1 for token, number in in_classes.items()}
        postings = defaultdict[bytes, list[tuple[int, float]]](list)
        for place, language in enumerate(self.classes):
            total = Counter[bytes]()
            for counts in of_class[language]:
                total.update(self._vector(counts))
            length = math.sqrt(sum(value * value for value in total.values())) or 1.0
            for token, value in total.items():
                postings[token].append((place, value / length))
        self._postings = {
            token: (np.array([p for p, _ in rows]), np.array([v for _, v in rows])) for token, rows in postings.items()
        }

    def _vector(self, counts: Counter[bytes]) -> dict[bytes, float]:
        values = {t: (1 + math.log(n)) * self._rarity[t] for t, n in counts.items() if t in self._rarity}
        length = math.sqrt(sum(value * value for value in values.values())) or 1.0
        return {token: value / length for token, value in values.items()}

    def classify(self, text: bytes) -> str | None:
        """The best of all classes; None where no token is known."""
        scores = np.zeros(len(self.classes))
        for token, value in self._vector(Counter(tokens(text[:HEAD_BYTES]))).items():
            places, weights = self._postings[token]
            scores[places] += value * weights
        return self.classes[int(scores.argmax())] if scores.any() else None
