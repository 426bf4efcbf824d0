"""Where a detector does not try an expression, the expression cannot match there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.redact.assignments import _DEFAULT, _WRAPPER
from pipeline.stages.redact.phones import _FAR_BEFORE, _LETTER, _WORDS_BEFORE

_FORMS = st.text(alphabet="ab new(\"'`$[]{}|?:or.,=env", max_size=24)


@given(st.text(alphabet="0123456789 ()+-.#:='\"\u00e9\u00e8\n", max_size=40))
def test_words_before_a_number_have_letters(text: str) -> None:
    assert not _LETTER.search(text)
    assert not _WORDS_BEFORE.search(text)
    assert not _FAR_BEFORE.search(text)


@given(st.sampled_from("\"'`"), _FORMS)
def test_neither_a_call_nor_a_default_begins_with_a_quote(quote: str, text: str) -> None:
    assert not _WRAPPER.match(quote + text)
    assert not _DEFAULT.match(quote + text)
