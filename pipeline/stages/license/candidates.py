"""A loss-free index in front of ScanCode's approximate licence matching: the same matches for 30 times less
CPU.

ScanCode compares the token set of every query run with the token set of every rule that may match
approximately (about 30,000), one Python set intersection each, 92 times for a 10 KB file. Here postings
(token id -> rules) count the shared tokens of all rules at once, and a rule is left out where ScanCode's own thresholds
reject it:

    shared legalese tokens   >= max(1, rule.get_min_high_matched_length(unique=True))
    shared tokens            >= rule.get_min_matched_length(unique=True)
    shared / rule length     >= rule._minimum_containment
    resemblance              >= the threshold, where high resemblance is asked for

The same for its second step, by multisets. These are the same integers and the same divisions as ScanCode's, so both
steps accept the same rules; the removal of duplicates is ScanCode's own, and what it then ranks has a total order: the
candidates are the same ones in the same order.

It replaces a function of ScanCode's internals: `install` refuses versions whose equality was not tested
(tests/license/test_scancode.py, mark `oracle`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import PermastackError

CHECKED_VERSION = "32.5.0"
_NEVER = 1 << 30  # threshold of a rule that is not matched approximately
_FREQUENT = 32  # a token that more than one rule in so many holds has a row of its own

_Ints = npt.NDArray[np.int32]
_Shorts = npt.NDArray[np.uint16]
_Floats = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int64]


class UncheckedVersionError(PermastackError):
    """The installed ScanCode is not the one that the candidate index was proved against."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What ScanCode asks of each rule, by rule id: of its set of tokens, or of its multiset."""

    min_high: _Ints
    min_matched: _Ints
    length: _Ints

    @classmethod
    def of(cls, index: Any, unique: bool) -> Thresholds:
        n_rules = len(index.rules_by_rid)
        min_high, min_matched = np.full(n_rules, _NEVER, np.int32), np.full(n_rules, _NEVER, np.int32)
        length = np.ones(n_rules, np.int32)
        for rid in index.approx_matchable_rids:
            rule = index.rules_by_rid[rid]
            min_high[rid] = max(1, rule.get_min_high_matched_length(unique))
            min_matched[rid] = rule.get_min_matched_length(unique)
            length[rid] = rule.get_length(unique)
        return cls(min_high, min_matched, length)


@dataclass(frozen=True, slots=True)
class Postings:
    """Which rules hold a token and how often, and the thresholds of each rule; about 55 MB for ScanCode 32.5.0.

    Half of it are rows of the frequent tokens, which stand in most queries: adding a row takes a hundredth of the time
    of adding by index.

    Plain numbers: of Python's objects every look dirties a page that forked workers share.
    """

    start: _Ints  # token id -> its first position in `rules`; one more entry than tokens
    rules: _Ints  # rule ids, grouped by token, ascending
    counts: _Ints  # beside it, how often the rule holds the token
    row: _Ints  # token id -> its row in `rows`, or -1
    rows: _Shorts  # of each frequent token, 1 for each rule that holds it
    min_containment: _Floats
    sets: Thresholds
    multisets: Thresholds

    @classmethod
    def of(cls, index: Any) -> Postings:
        """Build from a loaded LicenseIndex: a CPU second."""
        min_containment = np.zeros(len(index.rules_by_rid))
        token_parts: list[_Ints] = []
        rule_parts: list[_Ints] = []
        count_parts: list[_Ints] = []
        for rid in sorted(index.approx_matchable_rids):
            multiset = index.msets_by_rid[rid]
            held = {token: multiset[token] for token in index.sets_by_rid[rid]}
            token_parts.append(np.fromiter(held, np.int32, len(held)))
            count_parts.append(np.fromiter(held.values(), np.int32, len(held)))
            rule_parts.append(np.full(len(held), rid, np.int32))
            min_containment[rid] = index.rules_by_rid[rid]._minimum_containment or 0
        tokens = np.concatenate(token_parts)
        order = np.argsort(tokens, kind="stable")
        start = np.searchsorted(tokens[order], np.arange(int(tokens.max()) + 2)).astype(np.int32)
        rules, counts = np.concatenate(rule_parts)[order], np.concatenate(count_parts)[order]
        frequent = np.flatnonzero(np.diff(start) > len(min_containment) / _FREQUENT)
        row = np.full(len(start) - 1, -1, np.int32)
        row[frequent] = np.arange(len(frequent))
        rows = np.zeros((len(frequent), len(min_containment)), np.uint16)
        for number, token in enumerate(frequent.tolist()):
            rows[number, rules[start[token] : start[token + 1]]] = 1
        sets, multisets = Thresholds.of(index, True), Thresholds.of(index, False)
        return cls(start, rules, counts, row, rows, min_containment, sets, multisets)

    def best(
        self, query: Mapping[int, int], len_legalese: int, resemblance: float, high_only: bool, count: int
    ) -> list[tuple[int, int, int, int]]:
        """The rules that ScanCode accepts in both steps for the multiset `query`, of at most the `count` that it ranks
        highest in the first: rule id, shared tokens and lengths of both multisets, in no order.

        Divides the same integers as ScanCode, so that they are the same to the last bit.
        """
        known = [token for token in query if 0 <= token < len(self.start) - 1]
        legalese = [token for token in known if token < len_legalese]
        others = [token for token in known if token >= len_legalese]
        high = self._held(legalese)
        rids = np.flatnonzero(high >= self.sets.min_high)
        if not len(rids):
            return []
        matched = (high + self._held(others))[rids].astype(np.int64)
        rids = np.sort(self._accepted(rids, matched, self.sets, len(query), resemblance, high_only, count))
        if not len(rids):
            return []
        legal = self._shared(legalese, query, rids)
        enough = legal >= self.multisets.min_high[rids]
        rids, size = rids[enough], sum(query.values())
        matched = legal[enough] + self._shared(others, query, rids)
        kept = self._accepted(rids, matched, self.multisets, size, resemblance, high_only, None)
        matched, length = matched[np.searchsorted(rids, kept)], self.multisets.length
        return [
            (rid, shared, size, own)
            for rid, shared, own in zip(kept.tolist(), matched.tolist(), length[kept].tolist(), strict=True)
        ]

    def _accepted(
        self, rids: _Indices, matched: _Indices, asked: Thresholds, size: int, resemblance: float, high_only: bool,
        count: int | None,
    ) -> _Indices:  # fmt: skip
        """Those of `rids` that share enough with a query of `size` tokens; at most the `count` that rank highest."""
        length = asked.length[rids]
        keep = (matched >= asked.min_matched[rids]) & (matched / length >= self.min_containment[rids])
        rids, matched, length = rids[keep], matched[keep], length[keep]
        too_many = count is not None and len(rids) > count
        if not high_only and not too_many:
            return rids
        alike = matched / (size + length - matched)
        is_high, is_nearly = alike >= resemblance, _rounded(alike) >= resemblance
        if high_only:
            keep = is_high & is_nearly
            rids, matched, length, alike = rids[keep], matched[keep], length[keep], alike[keep]
            is_high, is_nearly = is_high[keep], is_nearly[keep]
        if count is None or len(rids) <= count:
            return rids
        contained, squared = matched / length, _each(alike, lambda share: share**2)
        # Last key first.
        exact = (rids, matched, squared, contained, is_high)
        rounded = (_rounded(matched / 20), _rounded(squared), _rounded(contained), is_nearly)
        return rids[np.lexsort((*exact, *rounded))[-count:]]

    def _held(self, tokens: list[int]) -> _Shorts:
        """How many of these distinct tokens each rule holds."""
        found = np.zeros(len(self.min_containment), np.uint16)
        for token, row in zip(tokens, self.row[np.array(tokens, np.intp)].tolist(), strict=True):
            if row < 0:
                # A rule stands once under a token, so that adding by index counts it.
                found[self.rules[self.start[token] : self.start[token + 1]]] += 1
            else:
                found += self.rows[row]
        return found

    def _shared(self, tokens: list[int], query: Mapping[int, int], rids: _Indices) -> _Indices:
        """How often each of `rids` (ascending) and the query both have these distinct tokens."""
        found, by_rule = np.zeros(len(rids), np.int64), np.zeros(len(self.min_containment), np.int64)
        for token, row in zip(tokens, self.row[np.array(tokens, np.intp)].tolist(), strict=True):
            held = slice(self.start[token], self.start[token + 1])
            if row < 0:
                by_rule[self.rules[held]] += np.minimum(self.counts[held], query[token])
            else:
                here = np.flatnonzero(self.rows[row, rids])
                places = np.searchsorted(self.rules[held], rids[here])
                found[here] += np.minimum(self.counts[held][places], query[token])
        return found + by_rule[rids]


def install(index: Any) -> None:
    """Make ScanCode use the candidate index in this process and in those forked from it.

    Raises UncheckedVersionError for a ScanCode other than `CHECKED_VERSION`.
    """
    found = version("scancode-toolkit")
    if found != CHECKED_VERSION:
        raise UncheckedVersionError(
            f"the candidate index was proved equal for scancode-toolkit {CHECKED_VERSION}; found: {found}. "
            f"Install {CHECKED_VERSION}, or run the oracle test of tests/license with {found} "
            "and change candidates.CHECKED_VERSION"
        )
    from licensedcode import match_set

    match_set.compute_candidates = partial(
        _compute_candidates, Postings.of(index), index.approx_matchable_rids, stock()
    )


def uninstall() -> None:
    """Put ScanCode's own function back."""
    from licensedcode import match_set

    match_set.compute_candidates = stock()


def stock() -> Any:
    """ScanCode's own function, also while it is replaced."""
    from licensedcode import match_set

    current = match_set.compute_candidates
    return current.args[2] if isinstance(current, partial) else current


def _compute_candidates(
    postings: Postings,
    indexed: Any,
    stock: Any,
    query_run: Any,
    idx: Any,
    matchable_rids: Any,
    top: int = 50,
    high_resemblance: bool = False,
    high_resemblance_threshold: float = 0.8,
    _use_bigrams: bool = False,
) -> list[Any]:
    """ScanCode's `match_set.compute_candidates` with the same arguments after the first three, and the same
    result.
    """
    from licensedcode import match_set as ms

    if matchable_rids is not indexed or _use_bigrams:
        # Another selection of rules than the one that was indexed, or of tokens: only ScanCode can answer.
        asked: list[Any] = stock(
            query_run, idx, matchable_rids, top, high_resemblance, high_resemblance_threshold, _use_bigrams
        )
        return asked
    query_set, query_multiset = ms.build_set_and_mset(query_run.matchable_tokens())
    threshold = high_resemblance_threshold
    found = postings.best(query_multiset, idx.len_legalese, threshold, high_resemblance, top * 10)
    scored = [
        (_scores(ms, shared, size, length, threshold), rid, idx.rules_by_rid[rid], None)
        for rid, shared, size, length in found
    ]
    ranked = sorted(ms.filter_dupes(scored), reverse=True)[:top] if scored else []
    # ScanCode reports the intersection of the first step, also after the second.
    return [
        (scores, rid, rule, ms.high_tids_set_subset(query_set & idx.sets_by_rid[rid], idx.len_legalese))
        for scores, rid, rule, _ in ranked
    ]


def _scores(ms: Any, matched: int, size: int, length: int, threshold: float) -> Any:
    """ScanCode's scores of a rule: rounded, and exact."""
    alike, contained = matched / (size + length - matched), matched / length
    squared = alike**2
    return (
        ms.ScoresVector(round(alike, 1) >= threshold, round(contained, 1), round(squared, 1), round(matched / 20, 1)),
        ms.ScoresVector(alike >= threshold, contained, squared, matched),
    )


def _rounded(values: _Floats) -> _Floats:
    """To one digit as Python does it, which numpy does not where the next digit is a five."""
    tenths = values * 10
    found: _Floats = np.rint(tenths) / 10
    doubtful = np.flatnonzero(np.abs(tenths - np.floor(tenths) - 0.5) < 1e-6)
    found[doubtful] = [round(value, 1) for value in values[doubtful].tolist()]
    return found


def _each(values: _Floats, change: Callable[[float], float]) -> _Floats:
    """Each distinct value changed by Python once: few of many thousands are distinct."""
    distinct, places = np.unique(values, return_inverse=True)
    changed: _Floats = np.array([change(value) for value in distinct.tolist()])[places]
    return changed
