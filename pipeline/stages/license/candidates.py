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

These are the same integers and the same divisions as ScanCode's, so the first of its two steps accepts the same rules.
The second step, by multisets, and the removal of duplicates are ScanCode's own, on at most 500 rules; what it then
ranks has a total order, so the candidates are the same ones in the same order.

It replaces a function of ScanCode's internals: `install` refuses versions whose equality was not tested
(tests/license/test_scancode.py, mark `oracle`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import PermastackError

CHECKED_VERSION = "32.5.0"
_NEVER = 1 << 30  # threshold of a rule that is not matched approximately

_Ints = npt.NDArray[np.int32]
_Floats = npt.NDArray[np.float64]


class UncheckedVersionError(PermastackError):
    """The installed ScanCode is not the one that the candidate index was proved against."""


@dataclass(frozen=True, slots=True)
class Postings:
    """Which rules hold a token, and the thresholds of each rule; about 20 MB for ScanCode 32.5.0."""

    start: _Ints  # token id -> its first position in `rules`; one more entry than tokens
    rules: _Ints  # rule ids, grouped by token
    min_high: _Ints  # this and the following by rule id
    min_matched: _Ints
    length: _Ints
    min_containment: npt.NDArray[np.float64]

    @classmethod
    def of(cls, index: Any) -> Postings:
        """Build from a loaded LicenseIndex: half a CPU second."""
        n_rules = len(index.rules_by_rid)
        min_high, min_matched = np.full(n_rules, _NEVER, np.int32), np.full(n_rules, _NEVER, np.int32)
        length, min_containment = np.ones(n_rules, np.int32), np.zeros(n_rules)
        token_parts: list[_Ints] = []
        rule_parts: list[_Ints] = []
        for rid in sorted(index.approx_matchable_rids):
            rule = index.rules_by_rid[rid]
            tokens = np.fromiter(index.sets_by_rid[rid], dtype=np.int32)
            token_parts.append(tokens)
            rule_parts.append(np.full(len(tokens), rid, np.int32))
            min_high[rid] = max(1, rule.get_min_high_matched_length(True))
            min_matched[rid] = rule.get_min_matched_length(True)
            length[rid] = rule.get_length(True)
            min_containment[rid] = rule._minimum_containment or 0
        tokens, rules = np.concatenate(token_parts), np.concatenate(rule_parts)
        order = np.argsort(tokens, kind="stable")
        tokens = tokens[order]
        start = np.searchsorted(tokens, np.arange(int(tokens[-1]) + 2)).astype(np.int32)
        return cls(start, rules[order], min_high, min_matched, length, min_containment)

    def best(self, query: Any, len_legalese: int, resemblance: float, high_only: bool, count: int) -> list[int]:
        """The rules that ScanCode's first step accepts for the set of token ids `query`, at most the `count` that it
        ranks highest, in no order. Divides the same integers as ScanCode, so that they are the same to the last bit.
        """
        known = [token for token in query if 0 <= token < len(self.start) - 1]
        high = self._count(token for token in known if token < len_legalese)
        rids = np.flatnonzero(high >= self.min_high)
        if not len(rids):
            return []
        matched = (high + self._count(token for token in known if token >= len_legalese))[rids]
        length = self.length[rids]
        keep = (matched >= self.min_matched[rids]) & (matched / length >= self.min_containment[rids])
        rids, matched, length = rids[keep], matched[keep], length[keep]
        if high_only or len(rids) > count:
            alike = matched / (len(query) + length - matched)
            is_high, is_nearly = alike >= resemblance, _rounded(alike) >= resemblance
            if high_only:
                keep = is_high & is_nearly
                rids, matched, length, alike = rids[keep], matched[keep], length[keep], alike[keep]
                is_high, is_nearly = is_high[keep], is_nearly[keep]
            if len(rids) > count:
                contained, squared = matched / length, _each(alike, lambda share: share**2)
                # Last key first.
                exact = (rids, matched, squared, contained, is_high)
                rounded = (_rounded(matched / 20), _rounded(squared), _rounded(contained), is_nearly)
                rids = rids[np.lexsort((*exact, *rounded))[-count:]]
        return [int(rid) for rid in rids]

    def _count(self, tokens: Iterable[int]) -> npt.NDArray[np.int64]:
        """How many of these distinct tokens each rule holds."""
        parts = [self.rules[self.start[token] : self.start[token + 1]] for token in tokens]
        if not parts:
            return np.zeros(len(self.length), np.int64)
        return np.bincount(np.concatenate(parts), minlength=len(self.length))


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

    if matchable_rids is not indexed:
        # Another selection of rules than the one that was indexed: only ScanCode can answer.
        asked: list[Any] = stock(
            query_run, idx, matchable_rids, top, high_resemblance, high_resemblance_threshold, _use_bigrams
        )
        return asked
    query_set, query_multiset = ms.build_set_and_mset(query_run.matchable_tokens(), _use_bigrams=_use_bigrams)
    threshold = high_resemblance_threshold
    by_set = postings.best(query_set, idx.len_legalese, threshold, high_resemblance, top * 10)
    by_multiset = []
    for rid in by_set:
        rule = idx.rules_by_rid[rid]
        scores, _intersection = ms.compare_token_sets(
            qset=query_multiset,
            iset=idx.msets_by_rid[rid],
            intersector=ms.multisets_intersector,
            counter=ms.multiset_counter,
            high_intersection_filter=partial(ms.high_multiset_subset, _use_bigrams=_use_bigrams),
            len_legalese=idx.len_legalese,
            unique=False,
            rule=rule,
            filter_non_matching=not _use_bigrams,
            high_resemblance_threshold=threshold,
        )
        if scores and (not high_resemblance or all(score.is_highly_resemblant for score in scores)):
            by_multiset.append((scores, rid, rule, None))
    ranked = sorted(ms.filter_dupes(by_multiset), reverse=True)[:top] if by_multiset else []
    # ScanCode reports the intersection of the first step, also after the second.
    return [
        (scores, rid, rule, ms.high_tids_set_subset(query_set & idx.sets_by_rid[rid], idx.len_legalese))
        for scores, rid, rule, _ in ranked
    ]


def _rounded(values: _Floats) -> _Floats:
    """To one digit as Python does it, which numpy does not."""
    return _each(values, lambda value: round(value, 1))


def _each(values: _Floats, change: Callable[[float], float]) -> _Floats:
    """Each distinct value changed by Python once: few of many thousands are distinct."""
    distinct, places = np.unique(values, return_inverse=True)
    changed: _Floats = np.array([change(value) for value in distinct.tolist()])[places]
    return changed
