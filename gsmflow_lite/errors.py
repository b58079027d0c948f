"""Every error that the library raises on purpose.

Each message gives the rule, the value and the remedy.
"""

LONGEST_MESSAGE = 1500  # characters

# Exit statuses of the command line.
INCOMPLETE = 1  # some cells of a study failed
FAULTY = 1  # the doctor found something to mend
BAD_INPUT = 2  # data, settings or files break a rule
INTERRUPTED = 130


class GSMFlowError(Exception):
    """Base of all errors raised on purpose: ``except GSMFlowError`` catches what a user can mend.

    A message may quote the content of a file. So the middle of a long message is left out, and
    characters that cannot be printed are escaped.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_shortened(_printable(message)))


class DataError(GSMFlowError, ValueError):
    """Features, labels, attributes, splits or a file that holds them break a rule."""


class ConfigError(GSMFlowError, ValueError):
    """A setting is out of its range, or unknown."""


class StorageError(GSMFlowError, OSError):
    """A saved model, checkpoint or result cannot be written or read."""


class TrainingError(GSMFlowError, RuntimeError):
    """Training cannot go on, for instance because the loss is no longer finite."""


def require(holds: bool, rule: str, value: object) -> None:
    """Raise ``ConfigError`` with the rule and the value, unless the rule holds."""
    if not holds:
        raise ConfigError(f"{rule}, got {value!r}")


def such_classes(count: int) -> str:
    """Return how many classes a message is about.

    >>> such_classes(1), such_classes(2)
    ('1 such class', '2 such classes')
    """
    return f"{count} such {'class' if count == 1 else 'classes'}"


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_MESSAGE:
        return text
    half = LONGEST_MESSAGE // 2 - 3
    return f"{text[:half]} ... {text[-half:]}"
