"""From bytes to spans."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from importlib.metadata import version

from . import prefilter
from .armour import without_key
from .config import RedactConfig
from .detector import RULES_VERSION, BlockDetector, Detector, Match, digest
from .findings import Finding, Places, merged
from .policy import levels_digest, rules_for
from .spans import Span, redact
from .surrogates import numeral, surrogate
from .windows import NEWLINE, Window
from .zones import Zones

_ROUNDS = 16


class Scanner:
    """Finds what has to give way in a text. A process compiles its patterns once; they do not pickle."""

    def __init__(self, config: RedactConfig) -> None:
        self.config = config
        from .registry import registry  # imports detect-secrets

        self.detectors: tuple[Detector, ...] = registry(config)
        self._blocks = {n for n, detector in enumerate(self.detectors) if isinstance(detector, BlockDetector)}
        self._prefilter = prefilter.build(
            config.engine,
            tuple(d.necessary for d in self.detectors),
            tuple(not isinstance(d, BlockDetector) and d.is_unicode for d in self.detectors),
        )

    def scan(self, data: bytes, path: bytes) -> list[Span]:
        """Spans of `data`, sorted and disjoint. Of its path the detectors see the name, the policy all.

        Time is linear in the bytes, memory in the findings. Bytes that are not UTF-8 are looked at as well.
        The same value of a class gets the same surrogate within the text; nothing outside the text has a say.

        A match can hide another (an expression that runs over a whole line finds its last token). So the
        redacted text is scanned again until nothing new turns up, at most 16 times.
        """
        found = self.findings(data, path)
        spans = self._spans(data, path, found)
        changed = spans
        for _ in range(_ROUNDS):
            if not changed:
                break
            hidden = self._hidden(data, spans, changed, path) - found
            if not hidden:
                break
            found |= hidden
            before = {(span.start, span.end) for span in spans}
            spans = self._spans(data, path, found)
            changed = [span for span in spans if (span.start, span.end) not in before]
        return spans

    def _hidden(self, data: bytes, spans: list[Span], changed: list[Span], path: bytes) -> set[Finding]:
        """What turns up in the redacted lines that hold `changed`, as places in `data`. Others are as they were."""
        released = redact(data, spans)
        places = Places(spans)
        pieces: list[bytes] = []
        starts: list[int] = []  # in the text of those lines alone
        firsts: list[int] = []  # in `released`
        size, done = 0, -1
        for span in changed:
            start, end = places.released(span)
            if end <= done:
                continue
            first = max(done + 1, released.rfind(NEWLINE, 0, start) + 1)
            done = released.find(NEWLINE, end)
            done = len(released) if done < 0 else done
            pieces.append(released[first:done])
            starts.append(size)
            firsts.append(first)
            size += done - first + 1
        found = set()
        for more in self.findings(NEWLINE.join(pieces), path, lines_only=True):
            at = bisect_right(starts, more.start) - 1
            shift = firsts[at] - starts[at]
            found.add(places.original(more._replace(start=more.start + shift, end=more.end + shift)))
        return found

    def findings(self, data: bytes, path: bytes, lines_only: bool = False) -> set[Finding]:
        """What the detectors find in one pass, each place once; `lines_only`: those that look at single lines."""
        selection = self._prefilter.select(prefilter.as_valid_utf8(data))
        name = path.rpartition(b"/")[2].decode("utf-8", "surrogateescape")
        decides = rules_for(self.config, path).decides
        return {
            found
            for window, numbers in selection.items()
            for found in self.in_window(data, name, window, numbers - self._blocks if lines_only else numbers)
            if decides(found.cls, found.confidence)
        }

    def in_window(self, data: bytes, path: str, window: Window, numbers: set[int]) -> Iterator[Finding]:
        """What the detectors of these numbers find in a window, whether the prefilter selects them or not."""
        piece = data[window.start : window.end]
        plain = piece.decode("latin-1")
        text = plain if piece.isascii() else piece.decode("utf-8", "surrogateescape")

        def offset(character: int) -> int:
            if len(text) == len(piece):
                return window.start + character
            return window.start + len(text[:character].encode("utf-8", "surrogateescape"))

        for number in sorted(numbers):
            detector = self.detectors[number]
            for match in self._matches(detector, data, path, window, plain, text, offset):
                yield Finding(match.start, match.end, match.cls, detector.name, detector.version, match.confidence)

    @staticmethod
    def _matches(
        detector: Detector, data: bytes, path: str, window: Window, plain: str, text: str, offset: Callable[[int], int]
    ) -> Iterator[Match]:
        if isinstance(detector, BlockDetector):
            yield from detector.find(data, window.start, window.end)
            return
        start = window.start
        whole_line = window.start == window.line_start and window.end == window.line_end
        for match in detector.find(text if detector.is_unicode else plain, path):
            first, last, cls, confidence, whole_start, whole_end = match
            if detector.is_unicode:
                first, last, whole_start, whole_end = map(offset, (first, last, whole_start, whole_end))
            else:
                first, last, whole_start, whole_end = (
                    first + start,
                    last + start,
                    whole_start + start,
                    whole_end + start,
                )
            if whole_line or not window.is_cut(whole_start, whole_end):
                yield Match(first, last, cls, confidence, whole_start, whole_end)

    def _spans(self, data: bytes, path: bytes, findings: set[Finding]) -> list[Span]:
        """Findings merged where they overlap, with zone, line and surrogate."""
        ordinals: dict[tuple[str, bytes], int] = {}
        distinct: dict[str, int] = {}
        spans: list[Span] = []
        line, counted = 1, 0
        if not findings:
            return []
        keeps_mail = self.config.notice_emails == "keep"
        zones = Zones(data, path, max(found.start for found in findings) + 1)
        for found in merged(findings):
            zone = zones.of(found.start)
            if zone == "notice" and (found.cls == "NAME" or (found.cls == "EMAIL" and keeps_mail)):
                continue  # licences demand that names in notices stay
            line += data.count(NEWLINE, counted, found.start)
            counted = found.start
            value = data[found.start : found.end]
            if found.cls == "PRIVATE_KEY":
                stand_in = without_key(value.decode("latin-1"))
            elif zones.is_known and zone == "code" and value.isdigit():
                stand_in = numeral(len(value))
            else:
                key = (found.cls, value)
                if key not in ordinals:
                    distinct[found.cls] = ordinals[key] = distinct.get(found.cls, 0) + 1
                stand_in = surrogate(found.cls, ordinals[key])
            spans.append(
                Span(
                    found.start,
                    found.end,
                    found.cls,
                    found.detector,
                    found.version,
                    found.confidence,
                    zone,
                    stand_in,
                    line,
                )
            )
        return spans


def versions() -> dict[str, str]:
    """What decides the findings besides the configuration."""
    from .registry import registry  # imports detect-secrets

    return {
        "detect-secrets": version("detect-secrets"),
        "phonenumbers": version("phonenumbers"),
        "redact-detectors": digest(registry(RedactConfig())),
        "redact-levels": levels_digest(),
        "redact-rules": RULES_VERSION,
    }
