"""The one exception that users are meant to read."""


class InputError(ValueError):
    """What was given cannot be used.

    The message is one sentence: what is wrong, where (file, row, key), and what is allowed.
    """
