"""Logs: one line of JSON per act and per event of the server, without anything personal."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

ACT_FIELDS = ("act", "key", "actor", "refusal", "ms")
"""What the kernel tells of an act, in its order."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON; of an act its name, key, actor, refusal and milliseconds.

    Actors are ids, which name nobody; no message of an exception is written, as it may quote
    what somebody typed, only its kind and where it was raised.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": moment, "level": record.levelname.lower()}
        if record.name == "puhui.act" and isinstance(record.args, tuple):
            line.update(zip(ACT_FIELDS, record.args, strict=True))
            line["ms"] = round(float(str(line["ms"])), 1)
        else:
            line["logger"] = record.name
            line["message"] = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            places = []
            while trace is not None:
                places.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
                trace = trace.tb_next
            line["where"] = places[-8:]
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to(stream: TextIO, level: int = logging.INFO) -> logging.Handler:
    """Write every log of the process to ``stream`` as lines of JSON; the handler, to take off."""
    written = logging.StreamHandler(stream)
    written.setFormatter(JsonLines())
    root = logging.getLogger("puhui")
    root.addHandler(written)
    root.setLevel(level)
    root.propagate = False
    return written
