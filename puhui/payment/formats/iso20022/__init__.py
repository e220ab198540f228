"""Messages between banks (ISO 20022): structures, a safe reader, a writer, and their nouns."""

from puhui.payment.formats.iso20022.pain import read_pain001
from puhui.payment.formats.iso20022.read import (
    read_camt053,
    read_camt054,
    read_initiation,
    read_pacs002,
    read_pacs008,
    read_pacs009,
)
from puhui.payment.formats.iso20022.write import (
    write_camt053,
    write_camt054,
    write_pacs002,
    write_pacs008,
    write_pacs009,
    write_pain001,
)

__all__ = [
    "read_camt053",
    "read_camt054",
    "read_initiation",
    "read_pacs002",
    "read_pacs008",
    "read_pacs009",
    "read_pain001",
    "write_camt053",
    "write_camt054",
    "write_pacs002",
    "write_pacs008",
    "write_pacs009",
    "write_pain001",
]
