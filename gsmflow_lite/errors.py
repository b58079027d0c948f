"""Every error that the library raises on purpose. Each message gives the rule, the value and the remedy."""


class GSMFlowError(Exception):
    """Base of all errors raised on purpose: ``except GSMFlowError`` catches what a user can mend."""


class DataError(GSMFlowError, ValueError):
    """Features, labels, attributes, splits or a file that holds them break a rule."""


class ConfigError(GSMFlowError, ValueError):
    """A setting is out of its range, or unknown."""


class StorageError(GSMFlowError, OSError):
    """A saved model, checkpoint or result cannot be written or read."""


class TrainingError(GSMFlowError, RuntimeError):
    """Training cannot go on, for instance because the loss is no longer finite."""
