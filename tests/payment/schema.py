"""Structures of messages derived from ISO 20022 schemas: how the checked-in files were made.

``python -m tests.payment.schema FOLDER`` writes them again from the schemas in FOLDER.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

XS = "{http://www.w3.org/2001/XMLSchema}"
STRUCTURES = Path(__file__).parents[2] / "puhui/payment/formats/iso20022/data"
MESSAGES = (
    "camt.053.001.02 camt.053.001.08 camt.054.001.08 pacs.002.001.10 pacs.008.001.08 "
    "pacs.009.001.08 pain.001.001.03 pain.001.001.09"
).split()
HEAD = """# Structure of {message}: names, order, occurrence and bounds of its elements.
# Derived by tests/payment/schema.py from the schema of the ISO 20022 catalogue (iso20022.org).
# name > element:type ...  in that order; ? at most once, * any number, + at least once
# name | element:type ...  one of these
# name string|decimal|... bounds: 1..35 length, 18.5 digits, >=0, ~pattern, =codes
# name amount type Ccy:type  a text with its currency; name any  one element of any kind
"""


def structure_of(path: Path) -> str:
    """The structure of the message whose schema is at ``path``."""
    schema = ET.parse(path).getroot()
    message = schema.attrib["targetNamespace"].rsplit(":", 1)[1]
    lines = [_line(node) for node in schema if node.tag != f"{XS}element"]
    return HEAD.format(message=message) + "\n".join(sorted(lines)) + "\n"


def _line(node: ET.Element) -> str:
    name, body = node.attrib["name"], node[0]
    if body.tag == f"{XS}restriction":
        return f"{name} {_bounds(body)}"
    if body.tag == f"{XS}simpleContent":
        (extension,) = body
        (attribute,) = extension
        carried = f"{attribute.attrib['name']}:{attribute.attrib['type']}"
        return f"{name} amount {extension.attrib['base']} {carried}"
    if len(body) == 1 and body[0].tag == f"{XS}choice":
        body = body[0]
    if body[0].tag == f"{XS}any":
        return f"{name} any"
    steps = " ".join(_step(one) for one in body)
    return f"{name} {'|' if body.tag == f'{XS}choice' else '>'} {steps}"


def _step(node: ET.Element) -> str:
    least, most = node.attrib.get("minOccurs", "1"), node.attrib.get("maxOccurs", "1")
    marks = {("0", "1"): "?", ("1", "1"): "", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
    mark = marks.get((least, most), f"{{{least},{most}}}")
    return f"{node.attrib['name']}:{node.attrib['type']}{mark}"


def _bounds(node: ET.Element) -> str:
    facets: dict[str, list[str]] = {}
    for one in node:
        facets.setdefault(one.tag.removeprefix(XS), []).append(one.attrib["value"])
    words = [node.attrib["base"].removeprefix("xs:")]
    if "minLength" in facets:
        words.append(f"{facets['minLength'][0]}..{facets['maxLength'][0]}")
    if "totalDigits" in facets:
        words.append(f"{facets['totalDigits'][0]}.{facets['fractionDigits'][0]}")
    words += [f">={value}" for value in facets.get("minInclusive", [])]
    words += [f"~{value}" for value in facets.get("pattern", [])]
    if "enumeration" in facets:
        words.append("=" + ",".join(facets["enumeration"]))
    return " ".join(words)


if __name__ == "__main__":
    for name in MESSAGES:
        text = structure_of(Path(sys.argv[1]) / f"{name}.xsd")
        (STRUCTURES / f"{name}.txt").write_text(text, encoding="utf-8")
