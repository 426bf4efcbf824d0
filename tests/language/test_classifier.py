"""The classifier of contents: a dense evaluation as its oracle, choices among some, and confidences."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import IntegrityError
from pipeline.stages.language.classifier import MAX_LEAD, MIN_FEATURES, Classifier, classifier, confidence, evidence
from pipeline.stages.language.guesslang import data_folder, linguist_names, model
from pipeline.stages.language.languages import about, languages
from pipeline.stages.language.token_kernels import BUCKETS, features
from pipeline.stages.language.training import (
    GUESSLANG_BASE,
    Sample,
    by_guesslang,
    rarity,
    shared_with_guesslang,
    train,
    unpack,
)
from tests.language.test_guesslang import SNIPPETS

_TOKENS = re.compile(rb"[\r\n]|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[!-/:-@\[-^`{-\x7f]{1,3}|[\x80-\xff]+")
_MASK = (1 << 64) - 1


def plain_features(text: bytes) -> list[int]:
    """What the kernel does, in Python."""
    found, before, fresh = [], 0, True
    for token in _TOKENS.findall(text):
        if token in (b"\n", b"\r"):
            fresh = True
            continue
        kind = (
            0 if token[:1].isalpha() or token[:1] == b"_" else 1 if token[:1].isdigit() else 5 if token[0] > 127 else 4
        )
        digest = 0xCBF29CE484222325 ^ kind
        for byte in token if kind in (0, 4) else b"":
            digest = (digest ^ byte) * 0x100000001B3 & _MASK
        digest ^= digest >> 29
        mixed = digest * 0x9E3779B97F4A7C15 & _MASK
        if not fresh:
            mixed = ((before * 0xC2B2AE3D27D4EB4F & _MASK) ^ digest) * 0x9E3779B97F4A7C15 & _MASK
        found += [digest % BUCKETS, (mixed >> 20) % BUCKETS]
        before, fresh = digest, False
    return found


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=60), st.text('aZ_09 +-*/=<>\n\t"é', max_size=60).map(str.encode)))
def test_features_are_those_of_plain_python(text: bytes) -> None:
    assert features(np.frombuffer(text, np.uint8)).tolist() == plain_features(text)


def dense(text: bytes) -> np.ndarray:
    """Every score by whole matrices."""
    names = about()["classes"]
    classes_with, of_class, of_feature, weights = unpack(
        (data_folder() / "classifier.weights").read_bytes(), len(names)
    )
    matrix = np.zeros((len(names), BUCKETS), np.float32)
    matrix[of_class, of_feature] = weights
    vector = np.zeros(BUCKETS)
    for feature, times in Counter(plain_features(text)).items():
        vector[feature] = (1 + np.log(times)) * rarity(classes_with, len(names))[feature]
    scores = matrix @ (vector / np.linalg.norm(vector))
    for name, probability in zip(model().classes, model().probabilities(text), strict=True):
        if linguist_names()[name] in names:
            scores[names.index(linguist_names()[name])] += -2.9 + 0.69 * np.log1p(1000 * probability)
    return np.asarray(scores)


def test_scores_are_those_of_a_dense_evaluation() -> None:
    for name in ("Python", "Rust"):
        text = SNIPPETS[name].encode()
        assert np.abs(classifier().scores(text)[0] - dense(text)).max() < 1e-4


def test_plain_snippets() -> None:
    answers = {name: classifier().classify(text.encode()) for name, text in SNIPPETS.items()}
    assert all(answer is not None and 0 < answer.confidence <= 1 for answer in answers.values())
    wrong = {name for name, answer in answers.items() if answer is None or answer.language != name}
    assert wrong <= {"CSS"}, answers  # six lines of it are SCSS, Sass and Less as well


def test_only_some_are_asked_for() -> None:
    text = SNIPPETS["Rust"].encode()
    answer = classifier().classify(text, ["Python", "Go", "No such language"])
    assert answer is not None
    assert answer.language in ("Python", "Go")
    assert classifier().classify(text, ["No such language"]) is None
    alone = classifier().classify(text, ["Rust"])
    assert alone is not None
    assert alone.language == "Rust"


def test_guesslang_speaks_only_of_languages_that_it_knows() -> None:
    found = by_guesslang(SNIPPETS["Rust"].encode(), shared_with_guesslang(["Zig", "Rust", "Python"]), 3)
    assert found[0] == 0
    assert found[1] > 1 > found[2] >= GUESSLANG_BASE


@pytest.mark.parametrize("text", [b"", b" \n", b"hello\n", b"1 2 3\n", b"a b c\n"])
def test_a_text_that_says_too_little_has_no_answer(text: bytes) -> None:
    assert classifier().scores(text)[1] < MIN_FEATURES
    assert classifier().classify(text) is None


def test_confidence_grows_with_score_lead_and_length() -> None:
    fitted = about()["confidence"]

    def sure(scores: list[float], size: int) -> float:
        return confidence(fitted, evidence(np.array(scores), int(np.argmax(scores)), size))

    base = sure([10.0, 8.0, 1.0], 50)
    assert 0 < base < min(sure([12.0, 8.0, 1.0], 50), sure([10.0, 7.0, 1.0], 50), sure([10.0, 8.0, 1.0], 100))
    assert sure([10.0, 8.0], 200) == sure([10.0, 8.0], 5000)


@pytest.mark.parametrize(
    ("scores", "lead"), [([5.0], MAX_LEAD), ([900.0, 1.0], MAX_LEAD), ([3.0, 1.0], 2.0), ([1.0, 1.0], 0.0)]
)
def test_the_lead_is_over_all_others_together(scores: list[float], lead: float) -> None:
    assert evidence(np.array(scores), 0, 10)[2] == pytest.approx(lead)


@pytest.mark.parametrize(("sign", "expected"), [(1e6, 1.0), (-1e6, 0.0)])
def test_no_evidence_is_too_much(sign: float, expected: float) -> None:
    assert confidence([1.0], [sign]) == pytest.approx(expected)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_classified_and_always_the_same(data: bytes) -> None:
    first = classifier().classify(data)
    assert classifier().classify(data) == first
    assert first is None or (first.language in languages() and 0 <= first.confidence <= 1)


def test_training_and_packing() -> None:
    samples = [
        Sample("A", "", b"foo bar\nfoo baz 1\n" * 3),
        Sample("A", "a package", b"foo quux\n"),
        Sample("B", "", b"spam eggs(spam);\n" * 5),
    ]
    classes, packed = train(samples)
    assert classes == ["A", "B"]
    assert train(samples[::-1]) == (classes, packed)
    _, of_class, of_feature, weights = unpack(packed, 2)
    for number, texts in enumerate(([samples[0].text, samples[1].text], [samples[2].text])):
        own = of_class == number
        assert (np.diff(of_feature[own]) > 0).all()
        assert (weights[own] != 0).all()
        assert set(of_feature[own]) <= {feature for text in texts for feature in plain_features(text)}
    assert len(set(of_feature[of_class == 1])) == len(set(plain_features(samples[2].text)))


def test_what_sets_languages_apart_weighs_more_than_what_they_share() -> None:
    """Words that both have are centroids' as much as those of one: steps on the log-loss tell them apart."""
    shared = b"alpha beta gamma delta epsilon\n" * 4
    samples = [
        Sample(name, str(i), shared + word) for name, word in (("A", b"left\n"), ("B", b"right\n")) for i in (1, 2)
    ]
    classes, packed = train(samples)
    made = Classifier.of(classes, packed, about()["confidence"])
    for name, word in (("A", b"left\n"), ("B", b"right\n")):
        answer = made.classify(shared * 2 + word)
        assert answer is not None
        assert answer.language == name


def test_damaged_weights_are_noticed() -> None:
    with pytest.raises(IntegrityError, match="build_linguist_data"):
        Classifier(data_folder(), about() | {"classifier_sha256": "0" * 64})
