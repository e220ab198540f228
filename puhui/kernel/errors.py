"""The two ways a use case can fail: an expected no, and a fault."""

from __future__ import annotations


class Refused(Exception):
    """An expected no: the request broke a rule, and nothing was changed.

    ``code`` is stable and documented ("room.reason"); ``reason`` is one sentence for people.
    Channels map it once: exit code 2 on the command line, status 422 over HTTP.
    """

    def __init__(self, code: str, reason: str) -> None:
        assert "." in code, code
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str]]:
        return (type(self), (self.code, self.reason))


class Fault(Exception):
    """Something that should have worked did not (disk, database, programming).

    No answer was given that could be relied on; asking again with the same key is safe and tells
    what became of the act. Exit code 1.
    """

    def __init__(self, code: str, reason: str) -> None:
        assert "." in code, code
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[Fault], tuple[str, str]]:
        return (type(self), (self.code, self.reason))
