"""Reading XML that strangers sent: in pieces, within bounds, held to the structure of a message.

The parser is expat of the standard library. Document types are refused as soon as they begin, so
no entity is ever declared, opened or fetched. Size, depth, length of texts, of single tags and
number of attributes are bounded; what is taken in is held to the structure of the message while
it comes, so a wrong file is refused at its first wrong line. Memory holds one unit (such as one
payment) at a time, with the heads above it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from puhui.kernel.errors import Refused
from puhui.payment.formats.iso20022.content import wrong_in, wrong_in_amount
from puhui.payment.formats.iso20022.structure import (
    NAMESPACE,
    Branch,
    Leaf,
    Step,
    structure_of,
)

SIZE_MAX = 50_000_000
"""The most bytes of one message."""

DEPTH_MAX = 64
TEXT_MAX = 20_000
ATTRIBUTES_MAX = 8
TAG_MAX = 200_000
"""The most bytes of one tag or text: expat looks through it again with each piece."""

PIECE = 65_536
FAULTS_MAX = 20
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance "
_BLANK = " \t\r\n"


class Element:
    """An element as it was read: ``line`` where it begins, faults of its texts if it is a unit."""

    __slots__ = ("children", "currency", "faults", "line", "name", "text")

    def __init__(self, name: str, line: int = 0, text: str = "", currency: str = "") -> None:
        self.name = name
        self.line = line
        self.text = text
        self.currency = currency
        self.children: list[Element] = []
        self.faults: list[Refused] = []

    def find(self, path: str) -> Element | None:
        """The first element at a path such as ``PmtId/EndToEndId``."""
        found: Element | None = self
        for name in path.split("/"):
            assert found is not None, path
            found = next((one for one in found.children if one.name == name), None)
            if found is None:
                return None
        return found

    def all(self, path: str) -> list[Element]:
        """All elements at a path, in order."""
        level = [self]
        for name in path.split("/"):
            level = [child for one in level for child in one.children if child.name == name]
        return level

    def text_at(self, path: str) -> str:
        """The text at a path, "" where there is none."""
        found = self.find(path)
        return "" if found is None else found.text


class _Frame:
    """An element that is open: how far its structure has come."""

    __slots__ = ("at", "count", "element", "type")

    def __init__(self, element: Element, type: Leaf | Branch) -> None:
        self.element = element
        self.type = type
        self.at = -1 if isinstance(type, Branch) and type.is_choice else 0
        self.count = 0


def pieces_of(source: Path | bytes) -> Iterator[bytes]:
    """The bytes of a message, piece by piece. Refused: ``payment.no_file``."""
    if isinstance(source, bytes):
        for start in range(0, len(source), PIECE):
            yield source[start : start + PIECE]
        return
    try:
        with source.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as error:
        raise Refused("payment.no_file", f"{source.name}: {error.strerror}.") from None


def read_elements(
    pieces: Iterable[bytes], messages: tuple[str, ...], units: frozenset[str] = frozenset()
) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """The units of a message as they are complete, each with the elements around it, outermost
    first; the document itself comes last, without its units.

    ``messages`` are the versions that will do. A text that is wrong inside a unit is kept with the
    unit (``faults``); everything else that is wrong ends the reading. Refused, each with its line:
    ``payment.xml_too_large``, ``payment.xml_broken``, ``payment.xml_forbidden``,
    ``payment.xml_bounds``, ``payment.message_unknown``, ``payment.message_structure``,
    ``payment.message_value``, ``payment.no_file``.
    """
    reading = _Reading(messages, units)
    for piece in pieces:
        reading.feed(piece)
        while reading.ready:
            yield reading.ready.popleft()
    reading.end()
    yield from reading.ready


class _Reading:
    """One reading: what expat calls, and the elements that are open."""

    def __init__(self, messages: tuple[str, ...], units: frozenset[str]) -> None:
        self.messages = messages
        self.units = units
        self.ready: deque[tuple[Element, tuple[Element, ...]]] = deque()
        self._stack: list[_Frame] = []
        self._text: list[str] = []
        self._text_size = 0
        self._fed = 0
        self._open_depth = 0
        self._types: Mapping[str, Leaf | Branch] = {}
        self._prefix = ""
        self._prefix_size = 0
        self._units_open: list[Element] = []
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = True
        self._parser.buffer_size = PIECE
        for name, called in (
            ("XmlDecl", self._declaration),
            ("StartDoctypeDecl", self._doctype),
            ("EntityDecl", self._entity),
            ("SkippedEntity", self._entity),
            ("StartElement", self._start),
            ("EndElement", self._end),
            ("CharacterData", self._characters),
        ):
            setattr(self._parser, f"{name}Handler", called)

    def feed(self, piece: bytes) -> None:
        """Take in a piece of the file."""
        self._fed += len(piece)
        if self._fed > SIZE_MAX:
            raise self._refused(
                "payment.xml_too_large", f"the file is larger than {SIZE_MAX:,} bytes"
            )
        self._parse(piece, False)
        if self._fed - self._parser.CurrentByteIndex > TAG_MAX:
            raise self._refused("payment.xml_bounds", f"a tag or text is over {TAG_MAX:,} bytes")

    def end(self) -> None:
        """No more pieces."""
        self._parse(b"", True)

    def _parse(self, piece: bytes, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            words = expat.ErrorString(error.code)
            raise Refused(
                "payment.xml_broken",
                f"Line {error.lineno}, column {error.offset + 1}: no well-formed XML in UTF-8 "
                f"({words}).",
            ) from None

    def _refused(self, code: str, words: str, line: int = 0) -> Refused:
        return Refused(code, f"Line {line or self._parser.CurrentLineNumber}: {words}.")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise self._refused(
                "payment.xml_broken", f"messages are written in UTF-8, not in {encoding[:40]}"
            )

    def _doctype(self, *told: object) -> None:
        raise self._refused("payment.xml_forbidden", "a document type (DOCTYPE) is not taken")

    def _entity(self, *told: object) -> None:
        raise self._refused("payment.xml_forbidden", "entities are not taken")

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        stack = self._stack
        if len(stack) + self._open_depth >= DEPTH_MAX:
            raise self._refused("payment.xml_bounds", f"more than {DEPTH_MAX} elements in another")
        if len(attributes) > ATTRIBUTES_MAX:
            raise self._refused("payment.xml_bounds", f"more than {ATTRIBUTES_MAX} attributes")
        if self._open_depth:
            self._open_depth += 1
            return
        if not stack:
            self._begin(full)
        if not full.startswith(self._prefix):
            raise self._foreign(full)
        name = full[self._prefix_size :]
        if not stack:
            step_type = "Document"
        else:
            if self._text:
                self._leave_text()
            frame = stack[-1]
            if isinstance(frame.type, Leaf):
                raise self._structural(f"<{frame.element.name}> holds a text, not <{name}>")
            if frame.type.is_open:
                self._open_depth = 1
                frame.count += 1
                return
            step_type = self._take(frame, frame.type, name).type
        type = self._types[step_type]
        element = Element(name, self._parser.CurrentLineNumber)
        if name in self.units:
            self._units_open.append(element)
        stack.append(_Frame(element, type))
        if attributes or (isinstance(type, Leaf) and type.currency):
            self._attributes(element, type, attributes)

    def _begin(self, full: str) -> None:
        space, _, name = full.rpartition(" ")
        wanted = " or ".join(NAMESPACE + message for message in self.messages)
        message = space.removeprefix(NAMESPACE)
        if message not in self.messages or space == message:
            found = f"namespace {space[:100]!r}" if space else "no namespace"
            raise self._refused("payment.message_unknown", f"found {found}, expected {wanted}")
        if name != "Document":
            raise self._structural(f"found <{name[:40]}>, expected <Document>")
        self._types = structure_of(message).types
        self._prefix = f"{space} "
        self._prefix_size = len(self._prefix)

    def _foreign(self, full: str) -> Refused:
        space, _, name = full.rpartition(" ")
        found = f"namespace {space[:100]!r}" if space else "no namespace"
        expected = self._prefix.strip()
        return self._refused(
            "payment.message_unknown", f"<{name[:40]}> has {found}, expected {expected}"
        )

    def _structural(self, words: str) -> Refused:
        return self._refused("payment.message_structure", words)

    def _take(self, frame: _Frame, type: Branch, name: str) -> Step:
        """The step that ``name`` is inside an open element, the structure moved on to it."""
        place = type.places.get(name)
        inside = f"<{frame.element.name}>"
        if place is None:
            wanted = ", ".join(_wanted(frame, type))
            raise self._structural(f"<{name[:40]}> is not known in {inside}; next may be {wanted}")
        step = type.steps[place]
        if place == frame.at:
            frame.count += 1
        elif type.is_choice:
            if frame.at >= 0:
                raise self._structural(f"{inside} holds one of its elements, <{name}> is another")
            frame.at, frame.count = place, 1
        else:
            if place < frame.at:
                raise self._structural(f"<{name}> comes too late in {inside}")
            self._pass(frame, type, place, f"before <{name}> in {inside}")
            frame.at, frame.count = place, 1
        if frame.count > step.most:
            raise self._structural(f"<{name}> is there more than {step.most} times in {inside}")
        return step

    def _pass(self, frame: _Frame, type: Branch, until: int, where: str) -> None:
        """Leave the steps from where the element stands to ``until``; none may be wanting."""
        for number in range(frame.at, until):
            step = type.steps[number]
            count = frame.count if number == frame.at else 0
            if count < step.least:
                raise self._structural(f"<{step.name}> is missing {where}")

    def _attributes(self, element: Element, type: Leaf | Branch, told: dict[str, str]) -> None:
        carried = type.currency if isinstance(type, Leaf) else None
        for name, value in told.items():
            if name == "Ccy" and carried:
                element.currency = value
            elif not name.startswith(_SCHEMA_INSTANCE) or not name.endswith("ocation"):
                shown = name.rpartition(" ")[2][:40]
                raise self._structural(f"<{element.name}> has no attribute {shown}")
        if carried:
            if not element.currency:
                raise self._structural(f"<{element.name}> lacks its currency (Ccy)")
            currency = self._types[carried]
            assert isinstance(currency, Leaf), carried
            if wrong := wrong_in(currency, element.currency):
                self._wrong(element, element.currency, wrong)

    def _characters(self, text: str) -> None:
        if self._open_depth or (self._is_between() and not text.strip(_BLANK)):
            return
        self._text_size += len(text)
        if self._text_size > TEXT_MAX:
            raise self._refused("payment.xml_bounds", f"a text of over {TEXT_MAX:,} characters")
        self._text.append(text)

    def _is_between(self) -> bool:
        """Whether blanks here stand between elements, and mean nothing."""
        return not self._stack or isinstance(self._stack[-1].type, Branch)

    def _leave_text(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        self._text_size = 0
        if text.strip(_BLANK) and self._stack and isinstance(self._stack[-1].type, Branch):
            name = self._stack[-1].element.name
            raise self._structural(f"<{name}> holds elements, not the text {text.strip()[:40]!r}")
        return text

    def _end(self, full: str) -> None:
        if self._open_depth:
            self._open_depth -= 1
            return
        text = self._leave_text() if self._text else ""
        frame = self._stack.pop()
        element, type = frame.element, frame.type
        if isinstance(type, Leaf):
            element.text = text if type.kind == "string" else text.strip(_BLANK)
            wrong = wrong_in(type, text)
            if not wrong and element.currency:
                wrong = wrong_in_amount(text, element.currency)
            if wrong:
                self._wrong(element, text, wrong)
        else:
            self._complete(frame, type)
        if not self._stack:
            self.ready.append((element, ()))
        elif element.name in self.units:
            self._units_open.pop()
            self.ready.append((element, tuple(one.element for one in self._stack)))
        else:
            self._stack[-1].element.children.append(element)

    def _complete(self, frame: _Frame, type: Branch) -> None:
        name = frame.element.name
        if type.is_open:
            if frame.count != 1:
                raise self._structural(f"<{name}> holds one element, not {frame.count}")
        elif type.is_choice:
            if frame.at < 0:
                wanted = ", ".join(_wanted(frame, type))
                raise self._structural(f"<{name}> is empty; it holds one of {wanted}")
        else:
            self._pass(frame, type, len(type.steps), f"at the end of <{name}>")

    def _wrong(self, element: Element, text: str, words: str) -> None:
        fault = self._refused(
            "payment.message_value", f"<{element.name}> {text[:60]!r} {words}", element.line
        )
        if not self._units_open:
            raise fault
        if len(self._units_open[-1].faults) < FAULTS_MAX:
            self._units_open[-1].faults.append(fault)


def _wanted(frame: _Frame, type: Branch) -> list[str]:
    """What may come next, up to the first that must."""
    if type.is_choice:
        return [f"<{step.name}>" for step in type.steps][:8]
    names = []
    for step in type.steps[frame.at : frame.at + 8]:
        names.append(f"<{step.name}>")
        if step.least:
            break
    return names or ["nothing"]
