"""Which encoding and which delimiter a file is written in, judged from its beginning."""

from __future__ import annotations

import codecs

from puhui.kernel.errors import Refused

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
DELIMITERS = (",", "\t", ";")
KNOWN = {"utf-8": "utf-8", "utf8": "utf-8", "utf-8-sig": "utf-8"} | dict.fromkeys(
    ("gb18030", "gbk", "gb2312", "cp936"), "gb18030"
)
LINES_FOR_GB = 3
"""A file is taken for GB18030 when its header, or at least so many lines, say so clearly."""


def encoding_of(sample: bytes, declared: str) -> str:
    """ "utf-8" or "gb18030": as declared, else judged from the lines of ``sample``.

    GB18030 is judged only where every line beyond ASCII reads as Chinese in it and none as
    UTF-8; so one damaged line never changes how the others are read.
    Refused: ``intake.encoding_unknown`` for a declared encoding that is not read here and for
    UTF-16.
    """
    if sample.startswith(UTF16_MARKS):
        raise Refused("intake.encoding_unknown", "The file is UTF-16: save it as UTF-8 CSV.")
    if declared:
        known = KNOWN.get(declared.strip().lower().replace("_", "-"))
        if known is None:
            raise Refused(
                "intake.encoding_unknown",
                f"Encoding {declared[:40]!r} is not read here: use UTF-8 or GB18030.",
            )
        return known
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8"
    lines = sample.split(b"\n")[:-1] or [sample]
    beyond = [(place, line) for place, line in enumerate(lines) if not line.isascii()]
    if not beyond or any(_reads(line, "utf-8") for _, line in beyond):
        return "utf-8"
    is_clear = beyond[0][0] == 0 or len(beyond) >= LINES_FOR_GB
    if is_clear and all(_is_chinese(line) for _, line in beyond):
        return "gb18030"
    return "utf-8"


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(line: bytes) -> bool:
    if not _reads(line, "gb18030"):
        return False
    marks = [mark for mark in line.decode("gb18030") if not mark.isascii()]
    return all(
        "\u4e00" <= mark <= "\u9fff" or "\u3000" <= mark <= "\u303f" or "\uff00" <= mark <= "\uffef"
        for mark in marks
    )
