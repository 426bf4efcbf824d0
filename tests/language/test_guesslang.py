"""guesslang's model by numpy: against a dense evaluation, known hashes, snippets, and damaged weights."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import enry
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import IntegrityError
from pipeline.stages.language.guesslang import (
    BUCKETS,
    Guesslang,
    bucket_of_bigram,
    data_folder,
    fingerprint64,
    linguist_names,
    model,
)

ROOT = Path(__file__).parents[2]

SNIPPETS = {
    "Python": """\
import sys

def main(argv):
    for name in argv:
        with open(name) as f:
            print(f.read())

if __name__ == '__main__':
    main(sys.argv[1:])
""",
    "C": """\
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    char *p = malloc(10);
    printf("%s\\n", argv[0]);
    free(p);
    return 0;
}
""",
    "Java": """\
package a.b;

import java.util.List;

public class Main {
    private final List<String> names;

    public static void main(String[] args) {
        System.out.println(args.length);
    }
}
""",
    "Rust": """\
use std::collections::HashMap;

fn main() {
    let mut m: HashMap<String, u32> = HashMap::new();
    m.insert("a".to_string(), 1);
    for (k, v) in &m {
        println!("{} {}", k, v);
    }
}
""",
    "Go": """\
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
""",
    "HTML": """\
<!DOCTYPE html>
<html>
<head><title>A</title></head>
<body>
<div class="a"><p>b</p></div>
</body>
</html>
""",
    "CSS": """\
body {
  margin: 0;
  padding: 0;
}

.nav a:hover {
  color: #fff;
  background-color: #333;
}
""",
    "Dockerfile": """\
FROM debian:12
RUN apt-get update && apt-get install -y git
WORKDIR /app
COPY . /app
CMD ["python", "a.py"]
""",
    "JSON": """\
{
  "name": "a",
  "version": "1.0.0",
  "dependencies": {
    "b": "^2.0.0",
    "c": "~1.1.0"
  }
}
""",
    "SQL": """\
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  name VARCHAR(255) NOT NULL
);
SELECT name FROM users WHERE id = 1 ORDER BY name;
""",
}


@pytest.mark.parametrize("language", SNIPPETS)
def test_the_best_class_of_plain_snippets(language: str) -> None:
    guess = model().guess(SNIPPETS[language].encode())
    assert guess is not None
    assert linguist_names()[guess.name] == language


def test_fingerprints_are_those_of_farmhash() -> None:
    """FARM_FINGERPRINT of "abc", as public SQL engines print it (a signed 64-bit integer)."""
    assert fingerprint64(*b"abc") == 2640714258260161385
    assert bucket_of_bigram()[ord("a") * 256 + ord("c")] == fingerprint64(*b"a c") % BUCKETS


def dense(texts: list[bytes]) -> np.ndarray:
    """The model as published: float32, one count vector of 5000 a text, matrix products over the batch."""
    raw = (data_folder() / "guesslang.weights").read_bytes()

    def take(offset: int, *shape: int) -> np.ndarray:
        return np.frombuffer(raw, "<f4", count=int(np.prod(shape)), offset=offset).reshape(shape)

    counts = np.zeros((len(texts), 5000), np.float32)
    for row, text in zip(counts, texts, strict=True):
        for first, second in list(itertools.pairwise(text))[:10_000]:
            row[fingerprint64(first, 0x20, second) % 5000] += 1
    mean = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    hidden = np.maximum(mean @ take(211_072, 5000, 70) @ take(2_048, 70, 512) + take(0, 512), 0)
    hidden = np.maximum(hidden @ take(145_536, 512, 32) + take(145_408, 32), 0)
    logits = (
        counts @ take(1_618_424, 5000, 54)
        + take(1_618_208, 54)
        + hidden @ take(1_611_288, 32, 54)
        + take(1_611_072, 54)
    )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def compare(texts: list[bytes]) -> None:
    expected = dense(texts)
    found = np.stack([model().probabilities(text) for text in texts])
    assert np.abs(expected - found).max() <= 1e-4
    assert (expected.argmax(axis=1) == found.argmax(axis=1)).all()


def test_equal_to_the_dense_evaluation() -> None:
    snippets = [text.encode() for text in SNIPPETS.values()]
    compare([*snippets, b"", b"a", b"ab", b"\xff\xfe" * 9000, "世界你好\n".encode() * 500])


def test_equal_to_the_original() -> None:
    """TensorFlow's own answers of the published model to the snippets (`scripts/bench/language_guesslang --golden`)."""
    golden = json.loads(Path(__file__).with_name("guesslang_original.json").read_text())
    assert golden.keys() == SNIPPETS.keys()
    for name, expected in golden.items():
        found = model().probabilities(SNIPPETS[name].encode())
        assert np.abs(found - expected).max() <= 1e-4
        assert found.argmax() == np.argmax(expected)


@pytest.mark.oracle
def test_equal_to_the_dense_evaluation_on_real_files() -> None:
    files = sorted(Path(enry.__file__).parent.parent.rglob("*.py"))
    compare([path.read_bytes() for path in files[:: max(1, len(files) // 400)]])


def test_only_the_first_ten_thousand_bigrams_count() -> None:
    text = SNIPPETS["Rust"].encode() * 100
    assert (model().probabilities(text) == model().probabilities(text[:10_001])).all()
    assert (model().probabilities(text) != model().probabilities(text[:10_000])).any()


@settings(max_examples=40)
@given(st.binary(max_size=400))
def test_probabilities_are_a_distribution_and_the_guess_is_rounded(data: bytes) -> None:
    probabilities = model().probabilities(data)
    assert probabilities.shape == (54,)
    assert probabilities.sum() == pytest.approx(1)
    guess = model().guess(data)
    assert (guess is None) == (len(data.strip()) < 2)
    if guess is not None:
        assert guess.probability == round(float(probabilities.max()), 4)


@settings(max_examples=20)
@given(st.permutations(range(64)))
def test_the_order_of_summation_is_fixed(order: list[int]) -> None:
    """The same bits whatever surrounds a text: evaluated alone, after others, from another buffer."""
    texts = [bytes([i, 65 + i % 20, 10]) * (i + 1) for i in range(64)]
    expected = [model().probabilities(text).tobytes() for text in texts[:8]]
    surrounded = {i: model().probabilities((b"?" * (i + 1) + texts[i])[i + 1 :]).tobytes() for i in order}
    assert [surrounded[i] for i in range(8)] == expected


@pytest.mark.parametrize("data", [b"", b"a", b" \n\t ", b"\n" * 5000, b"  x  "])
def test_blank_and_shortest_texts_have_no_guess(data: bytes) -> None:
    assert model().guess(data) is None


def test_every_class_has_a_name_known_to_linguist_or_none() -> None:
    names = linguist_names()
    assert list(names) == list(model().classes)
    unknown = {name for name in names.values() if name and enry.get_language_type(name) == "unknown"}
    assert unknown == set()
    assert {old for old, new in names.items() if new is None} == {"Lisp", "Visual Basic"}
    assert enry.get_language_type("No such language") == "unknown"


def test_damaged_weights_are_noticed(tmp_path: Path) -> None:
    for name in ("guesslang.json", "guesslang.weights"):
        (tmp_path / name).write_bytes((data_folder() / name).read_bytes())
    assert Guesslang(tmp_path).digest == model().digest
    weights = bytearray((tmp_path / "guesslang.weights").read_bytes())
    weights[1_000_000] ^= 1
    (tmp_path / "guesslang.weights").write_bytes(weights)
    with pytest.raises(IntegrityError, match="build_guesslang_weights"):
        Guesslang(tmp_path)


def test_the_license_stands_beside_the_weights() -> None:
    about = json.loads((data_folder() / "guesslang.json").read_text())
    text = (data_folder() / "guesslang.LICENSE").read_text()
    assert about["license"] == "MIT"
    assert "The MIT License" in text
    assert about["copyright"].removeprefix("(c) ") in text


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "build_guesslang_weights"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_refuses_another_wheel(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"not a wheel")
    done = script("--check", "--wheel", str(tmp_path / "a.whl"))
    assert done.returncode == 1
    assert "expected sha256" in done.stderr


@pytest.mark.oracle
def test_the_published_wheel_gives_the_files_that_are_here() -> None:
    done = script("--check")
    assert done.returncode == 0, done.stderr
