"""Every error that the library raises on purpose. Each message gives the rule, the value and the remedy."""

LONGEST_MESSAGE = 1500  # characters of a message


class GSMFlowError(Exception):
    """Base of all errors raised on purpose: ``except GSMFlowError`` catches what a user can mend.

    A message may quote what stands in a file: its middle is left out where it is long, and what no one can see is escaped.
    """

    def __init__(self, message: str = "") -> None:
        text = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)
        half = LONGEST_MESSAGE // 2 - 3
        super().__init__(
            text if len(text) <= LONGEST_MESSAGE else f"{text[:half]} ... {text[-half:]}"
        )


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
