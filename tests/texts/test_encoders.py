"""Text encoders, against wordllama itself, and against functions whose rows are known."""

import socket
import subprocess
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from gsmflow_lite.datasets.wording import LONGEST_DESCRIPTION
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.texts import TextEncoder, encoder_of, text_encoder
from gsmflow_lite.texts.static_vectors import wordllama

SENTENCES = ["a bird with a red crown", "An emu!", "x", "한글 날", "naïve café", "🐦" * 30]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letter_counts(texts: list[str]) -> np.ndarray:
    """How often each letter occurs in each text."""
    return np.array([[text.lower().count(letter) for letter in LETTERS] for text in texts])


@pytest.fixture
def default():
    pytest.importorskip("tokenizers", reason="pip install wordllama")
    try:
        return text_encoder()
    except ConfigError as error:
        pytest.skip(str(error))


# --- Any function ------------------------------------------------------------------------------


def test_rows_of_a_function_have_length_one_and_its_direction():
    encoder = text_encoder(letter_counts)
    rows = encoder(["abba", "a c"])
    assert rows.dtype == np.float32
    expected = np.zeros((2, 26))
    expected[0, :2] = 1 / np.sqrt(2)
    expected[1, [0, 2]] = 1 / np.sqrt(2)
    assert_allclose(rows, expected, atol=1e-7)
    assert encoder.width == 26
    assert encoder.name == f"{__name__}.letter_counts"


def test_a_name_of_your_own_is_taken():
    assert text_encoder(letter_counts, name="letters, second try").name == "letters, second try"


def test_an_encoder_is_handed_on_as_it_is():
    encoder = text_encoder(letter_counts)
    assert text_encoder(encoder) is encoder


def test_rows_may_be_a_tensor_or_a_list():
    for convert in (torch.tensor, np.ndarray.tolist):
        rows = text_encoder(lambda texts, to=convert: to(letter_counts(texts)))(["abc"])
        assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_huge_and_tiny_rows_come_to_length_one():
    for size in (1e300, 1e-300):
        rows = text_encoder(lambda texts, size=size: letter_counts(texts) * size)(["ab"])
        assert_allclose(rows[0, :2], np.sqrt(0.5), atol=1e-6)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda n: np.ones(26), "must return a row of"),
        (lambda n: np.ones((n + 1, 26)), "must return a row of"),
        (lambda n: np.ones((n, 25)), "must return a row of 26 numbers"),
        (lambda n: np.array([["x"] * 26] * n), "must return a row of"),
        (lambda n: np.full((n, 26), np.nan), "must return finite numbers"),
        (lambda n: np.full((n, 26), np.inf), "must return finite numbers"),
        (lambda n: np.zeros((n, 26)), "words that its encoder knows"),
        (lambda n: None, "must be an array"),
    ],
)
def test_what_is_returned_amiss_is_refused(returned, words):
    encoder = TextEncoder("mine", 26, lambda texts: returned(len(texts)))
    with pytest.raises(DataError, match=words):
        encoder(["a bird", "an emu"])


@pytest.mark.parametrize("wide", [np.ones(3), np.ones((1, 0)), np.float64(1), np.ones((2, 3))])
def test_a_function_that_returns_no_rows_is_refused_at_once(wide):
    with pytest.raises(DataError, match="must return a row of numbers"):
        text_encoder(lambda texts: wide)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must not be empty"),
        (" \n\t", "must not be empty"),
        ("x" * (LONGEST_DESCRIPTION + 1), "at most 4000 characters, got 4001"),
        ("a\0b", "no control characters"),
        ("a\x1b[31mb", "no control characters"),
        ("a\u202eb", "no control characters"),
        ("a\ud800", "no control characters"),
    ],
)
def test_a_hostile_text_is_refused(text, words):
    with pytest.raises(DataError, match=words):
        text_encoder(letter_counts)([text])


def test_white_space_and_composition_make_no_difference():
    seen = []
    encoder = TextEncoder("mine", 26, lambda texts: seen.extend(texts) or letter_counts(texts))
    encoder(["  cafe\u0301 \n bar "])
    assert seen == ["caf\u00e9 bar"]


def test_no_text_is_no_row():
    assert text_encoder(letter_counts)([]).shape == (0, 26)


@pytest.mark.parametrize("which", ["bert", "wordlama", "open_clip", "open_clip:", "open_clip:a b"])
def test_an_unknown_name_is_refused(which):
    with pytest.raises(ConfigError, match="a text encoder must be wordllama, "):
        text_encoder(which)


def test_a_misspelt_name_is_nearly_found():
    with pytest.raises(ConfigError, match="did you mean 'wordllama'"):
        text_encoder("wordlama")


@pytest.mark.parametrize("which", [None, 3, ["wordllama"]])
def test_what_is_neither_name_nor_function_is_refused(which):
    with pytest.raises(ConfigError, match="must be a name or a function"):
        text_encoder(which)


# --- The default -------------------------------------------------------------------------------


def test_the_default_gives_what_wordllama_gives(default):
    # Its own loader looks for the tokenizer in a folder that the wheel does not have.
    code = (
        "import sys, wordllama, pathlib, safetensors.numpy, tokenizers\n"
        "here = pathlib.Path(wordllama.__file__).parent\n"
        "weights = next(here.glob('weights/*.safetensors'))\n"
        "pieces = tokenizers.Tokenizer.from_file(str(next(here.glob('tokenizers/*.json'))))\n"
        "vectors = safetensors.numpy.load_file(weights)['embedding.weight']\n"
        "model = wordllama.WordLlamaInference(vectors, pieces)\n"
        "print(model.embed(eval(sys.stdin.read()), norm=True).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=repr(SENTENCES),
        capture_output=True,
        text=True,
        check=True,
    )
    assert_allclose(default(SENTENCES), np.array(eval(done.stdout)), atol=2e-6)


def test_a_text_has_one_row_whatever_stands_beside_it(default):
    together = default(SENTENCES)
    assert_array_equal(together, np.concatenate([default([text]) for text in SENTENCES]))


def test_the_default_is_named_with_a_digest(default):
    assert default.width == 256
    start, _, digest = default.name.partition(" sha256:")
    assert start == "wordllama l2_supercat_256"
    assert len(digest) == 8
    int(digest, 16)


def test_nothing_is_fetched_and_the_library_is_not_imported(default, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("a request was about to leave")

    wordllama.cache_clear()
    monkeypatch.delitem(sys.modules, "wordllama", raising=False)  # other tests may import it
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    assert text_encoder()(["a bird"]).shape == (1, 256)
    assert "wordllama" not in sys.modules


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    wordllama.cache_clear()
    monkeypatch.setattr("gsmflow_lite.texts.static_vectors.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'gsmflow-lite\[texts\]'"):
        text_encoder()


def test_a_module_of_that_name_that_is_another_is_a_missing_package(monkeypatch, tmp_path):
    wordllama.cache_clear()
    monkeypatch.delitem(sys.modules, "wordllama", raising=False)
    (tmp_path / "wordllama.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="not installed"):
        text_encoder()
    monkeypatch.setitem(sys.modules, "wordllama", ModuleType("wordllama"))
    sys.modules["wordllama"].__spec__ = None
    with pytest.raises(ConfigError, match="not installed"):
        text_encoder()


@pytest.mark.parametrize("damaged", [0, 1])
def test_damaged_files_of_the_package_are_named(default, monkeypatch, tmp_path, damaged):
    from gsmflow_lite.texts import static_vectors

    folder = tmp_path / "wordllama"
    original = static_vectors.wordllama_folder()
    for place, name in enumerate(static_vectors.WORDLLAMA_FILES):
        (folder / name).parent.mkdir(parents=True)
        content = (original / name).read_bytes()
        (folder / name).write_bytes(b"damaged" if place == damaged else content)
    wordllama.cache_clear()
    monkeypatch.setattr(static_vectors, "wordllama_folder", lambda: folder)
    with pytest.raises(ConfigError, match="files of wordllama must be readable"):
        text_encoder()


@pytest.fixture(autouse=True)
def fresh():
    yield
    wordllama.cache_clear()


# --- Other libraries, as small stand-ins ---------------------------------------------------------


class Tower(torch.nn.Module):
    """Counts letters; its one weight is in the digest."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))
        self.calls = []

    def encode(self, texts, **options):
        self.calls.append(len(texts))
        return letter_counts(texts).astype(np.float32)

    def encode_text(self, texts):
        self.calls.append(len(texts))
        return torch.tensor(letter_counts(texts)) * self.weight


@pytest.fixture
def sentence_transformers(monkeypatch):
    """A stand-in for the library, which knows one model."""

    def make(name, device):
        if name != "MiniLM":
            raise OSError(f"we couldn't connect to the hub for {name}")
        return Tower(library.weight)

    library = SimpleNamespace(SentenceTransformer=make, __version__="3.0", weight=1.0)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    return library


@pytest.fixture
def open_clip(monkeypatch):
    """A stand-in for the library, which knows two towers."""
    made = []

    def create_model(name, pretrained):
        if pretrained == "far":
            raise RuntimeError("no connection")
        made.append(Tower(1.0))
        return made[-1]

    library = SimpleNamespace(
        list_pretrained=lambda: [("ViT-B-32", "openai"), ("ViT-B-32", "far")],
        create_model=create_model,
        get_tokenizer=lambda name: list,
        made=made,
    )
    monkeypatch.setitem(sys.modules, "open_clip", library)
    return library


def test_a_sentence_transformer_is_named_by_version_and_weights(sentence_transformers):
    encoder = text_encoder("sentence-transformers:MiniLM")
    assert_allclose(encoder(["abba"]), text_encoder(letter_counts)(["abba"]))
    assert encoder.name.startswith("sentence-transformers:MiniLM 3.0 sha256:")
    sentence_transformers.weight = 2.0
    assert text_encoder("sentence-transformers:MiniLM").name != encoder.name


def test_a_tower_of_open_clip_reads_in_batches(open_clip):
    encoder = text_encoder("open_clip:ViT-B-32/openai")
    texts = [f"{'ab' * k} word" for k in range(100)]
    assert_allclose(encoder(texts), text_encoder(letter_counts)(texts), atol=1e-6)
    assert open_clip.made[0].calls == [1, 64, 36]
    assert not open_clip.made[0].training
    assert encoder.name.startswith("open_clip:ViT-B-32/openai of unknown version sha256:")


def test_weights_that_cannot_be_fetched_say_why(sentence_transformers, open_clip):
    with pytest.raises(ConfigError, match="couldn't connect to the hub for Maxi: check the name"):
        text_encoder("sentence-transformers:Maxi")
    with pytest.raises(ConfigError, match="RuntimeError: no connection: check the name"):
        text_encoder("open_clip:ViT-B-32/far")


def test_a_tower_that_open_clip_does_not_know_is_refused(open_clip):
    with pytest.raises(ConfigError, match="did you mean 'ViT-B-32/openai'"):
        text_encoder("open_clip:ViT-B-32/openia")


@pytest.mark.parametrize(
    ("which", "line"),
    [
        ("sentence-transformers:MiniLM", "pip install sentence-transformers"),
        ("open_clip:ViT-B-32/openai", "pip install open_clip_torch"),
    ],
)
def test_a_missing_library_is_named_with_the_line_that_installs_it(which, line, monkeypatch):
    module = which.partition(":")[0].replace("-", "_")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=line):
        text_encoder(which)


# --- The encoder of a data set -----------------------------------------------------------------


@pytest.fixture
def described(make_dataset):
    texts = [f"{letter}bird" for letter in "acdefg"]
    encoder = text_encoder(letter_counts)
    return make_dataset(attributes=encoder(texts), texts=texts, text_encoder=encoder.name)


def test_the_same_encoder_is_taken(described):
    encoder = text_encoder(letter_counts)
    assert encoder_of(described, encoder) is encoder


def test_a_function_is_taken_for_the_one_that_is_wanted_if_it_is_as_wide(described):
    other = replace(described, text_encoder="letters")
    encoder = encoder_of(other, letter_counts)
    assert encoder.name == "letters"
    with pytest.raises(ConfigError, match="got 'letters' with 3"):
        encoder_of(other, lambda texts: np.ones((len(texts), 3)))


def test_another_encoder_is_refused(described):
    other = TextEncoder("another", 26, letter_counts)
    with pytest.raises(ConfigError, match="must be encoded as the descriptions were"):
        encoder_of(described, other)


def test_a_file_does_not_choose_what_is_fetched(described, sentence_transformers):
    hostile = replace(described, text_encoder="sentence-transformers:MiniLM 3.0 sha256:00000000")
    with pytest.raises(ConfigError, match="is not opened unasked"):
        encoder_of(hostile)


def test_data_without_texts_have_no_encoder(make_dataset):
    with pytest.raises(ConfigError, match="the attributes of 'tiny' are none"):
        encoder_of(make_dataset(), letter_counts)


def test_other_weights_of_the_default_are_refused(described, default):
    other = replace(described, text_encoder="wordllama l2_supercat_256 sha256:00000000")
    with pytest.raises(ConfigError, match="sha256:00000000"):
        encoder_of(other)
