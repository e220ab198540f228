"""The little of a script language that the test kit is written in: values kept, and compared.

Only what its money assertions need: names, members, calls of a few functions, plus and minus.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|'[^']*'|\"[^\"]*\"|\?\.|&&|\|\||[A-Za-z_]\w*|[-+.()\[\],])")
_FIND = re.compile(r"(?:const|let) (\w+) = response\.body\.find\((.*)\)\s*$")
_SET = re.compile(
    r"^(?:(environment|requestVariables)(?:\.(\w+)|\[(.+)\])|(?:(?:const|let|var) )?(\w+))"
    r"\s*=\s*(.+?);?\s*$"
)
_ROW = re.compile(r"(?:curAccount|jsonData\[i\])\.(\w+)$")
_CURRENCY = re.compile(r"currency === (environment\.\w+)")
_KIND = re.compile(r"ledgerAccountType === ['\"](\w+)['\"]")
_MESSAGE = re.compile(r"await (inboundEvent\.get|websocket\.get|axios\.get\(.*callbacks)")
_LATER = re.compile(r"\+ *([\d *]+|\w+)\)\.toISOString")
MISSING = None
VALID, INVALID = "11" * 32, "22" * 32
CONDITION = hashlib.sha256(bytes.fromhex(VALID)).hexdigest()
INPUTS = {
    "fromFspId": "testingtoolkitdfsp", "SIMPAYER_NAME": "payerfsp", "SIMPAYEE_NAME": "payeefsp",
    "payeefsp": "payeefsp", "NORESPONSE_SIMPAYEE_NAME": "silentfsp", "HUB_NAME": "Hub",
    "SIM1_NAME": "sim1", "SIM2_NAME": "sim2", "FX_PAYER_DFSP_ID": "testingtoolkitdfsp",
    "FX_PAYEE_DFSP_ID": "payeefsp", "FX_TESTFXP1_ID": "fxp", "currency": "CNY", "currency2": "USD",
    "SIMPAYER_CURRENCY": "CNY", "SIMPAYEE_CURRENCY": "CNY", "FX_SOURCE_CURRENCY": "CNY",
    "FX_TARGET_CURRENCY": "USD", "amount": "100", "FX_SOURCE_AMOUNT": "300",
    "FX_SOURCE_AMOUNT_ERROR_GENERIC": "1451", "FX_TARGET_AMOUNT": "42",
    "validFulfillment": VALID, "invalidFulfillment": INVALID, "validCondition": CONDITION,
}  # fmt: skip
"""Our names and amounts for what an operator of the kit fills in."""
STATES = {
    "prepared": "RESERVED", "fulfilled": "RESERVED", "posted": "COMMITTED", "aborted": "ABORTED",
    "expired": "ABORTED", "reserved": "RESERVED", "committed": "COMMITTED",
}  # fmt: skip
CODES = {
    "leg_expired": "3303", "wrong_fulfilment": "3100", "leg_ended": "3106", "leg_posted": "3106",
    "leg_differs": "3106", "dependent_not_fulfilled": "3303",
}  # fmt: skip

NAME = re.compile(r"[^A-Za-z0-9]+")
MONEY = re.compile(r"osition|alance|\.value|[a-z]State\)|errorCode")
EXPECT = re.compile(
    r"expect\((.+?)\)\.to(\.not)?\.(?:equal|eql|have\.property)\((.+?)\);?(?= *(?:expect|\}|$))"
)


@dataclass(frozen=True, slots=True)
class Held:
    """One assertion about money: where it stands, its words, and whether it holds."""

    case: str
    text: str
    is_so: bool


def number(value: Any) -> Decimal:
    """A value as a number; what is none is nought, as a missing name is in a sum of the kit."""
    try:
        return Decimal(str(value)) if value not in (MISSING, "") else Decimal(0)
    except ArithmeticError:
        raise ValueError(f"{value!r} is no number") from None


@dataclass
class Script:
    """What is known by name while a file of the kit is played."""

    scope: dict[str, Any] = field(default_factory=dict)

    def value(self, text: str) -> Any:
        """What an expression comes to. ValueError: it is none that is understood."""
        tokens, at = [], 0
        text = text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError(text)
            tokens.append(found.group(1))
            at = found.end()
        reader = _Reader(tokens, self.scope)
        value = reader.whole()
        if reader.at != len(tokens):
            raise ValueError(text)
        return value

    def run(self, lines: list[str], now_us: int) -> None:
        """Keep what a script keeps, line by line; lines that are not understood do nothing."""
        currency = kind = ""
        text = re.sub(r"/\*.*?\*/", "", "\n".join(lines), flags=re.S)
        for line in (one.strip() for one in text.splitlines()):
            if line.startswith("//"):
                continue
            if found := _CURRENCY.search(line):
                currency = self.value(found.group(1)) or ""
            if found := _KIND.search(line):
                kind = found.group(1)
            if found := _FIND.match(line):
                self.scope[found.group(1)] = self._row(currency, kind if "Type" in line else "")
            elif found := _SET.match(line):
                self._keep(found, currency, kind, now_us)

    def _row(self, currency: str, kind: str) -> Any:
        rows = self.scope["response"]["body"]
        wanted = [
            one for one in rows
            if one["currency"] == currency and kind in ("", one.get("ledgerAccountType"))
        ]  # fmt: skip
        return wanted[0] if wanted else MISSING

    def _keep(self, found: re.Match[str], currency: str, kind: str, now_us: int) -> None:
        space, name, index, local, right = found.groups()
        try:
            if row := _ROW.match(right):
                value = (self._row(currency, kind) or {}).get(row.group(1))
            elif message := _MESSAGE.search(right):
                value = self.scope["callback"]
                if not message.group(1).startswith("inbound"):
                    value = {"data": value.get("body")}
            elif "getTime()" in right and (later := _LATER.search(right)):
                parts = later.group(1).replace(" ", "").split("*")
                wait_ms = 1
                for part in parts:
                    wait_ms *= int(part if part.isdigit() else self.scope.get(part) or 2000)
                value = now_us + wait_ms * 1000
            else:
                value = self.value(right)
            place = self.scope[space] if space else self.scope
            place[local or name or str(self.value(index))] = value
        except (ValueError, KeyError, TypeError, AttributeError):
            return


class _Reader:
    """One expression, read from its tokens."""

    def __init__(self, tokens: list[str], scope: dict[str, Any]) -> None:
        self.tokens, self.scope, self.at = tokens, scope, 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise ValueError(f"{token!r} is not {wanted!r}")
        self.at += 1
        return token

    def whole(self) -> Any:
        value = self.sum()
        while self.peek() in ("&&", "||"):
            sign, right = self.take(), self.sum()
            value = (right if value else value) if sign == "&&" else (value or right)
        return value

    def sum(self) -> Any:
        value = self.term()
        while self.peek() in ("+", "-"):
            sign, right = self.take(), self.term()
            if sign == "+" and isinstance(value, str) and isinstance(right, str):
                value = value + right
            else:
                value = number(value) + (number(right) if sign == "+" else -number(right))
        return value

    def term(self) -> Any:
        if self.peek() in ("+", "-"):
            sign, value = self.take(), self.term()
            return number(value) if sign == "+" else -number(value)
        value = self.atom()
        while self.peek() in (".", "?.", "["):
            value = self.member(value)
        return value

    def member(self, value: Any) -> Any:
        if self.take() == "[":
            key = self.whole()
            self.take("]")
        else:
            key = self.take()
            if key == "toFixed":
                self.take("(")
                places = int(self.take())
                self.take(")")
                return format(number(value), f".{places}f")
        if isinstance(value, list):
            at = int(key)
            return value[at] if at < len(value) else MISSING
        if not isinstance(value, dict):
            raise ValueError(f"{key} of nothing")
        return value.get(key)

    def atom(self) -> Any:
        token = self.take()
        if token == "(":
            value = self.whole()
            self.take(")")
            return value
        if token[0] in "'\"":
            return token[1:-1]
        if token[0].isdigit():
            return Decimal(token)
        if token in ("true", "false", "undefined", "null"):
            return {"true": True, "false": False}.get(token, MISSING)
        if token in ("Number", "Math"):
            name = token
            if self.peek() == ".":
                self.take()
                name = self.take()
            self.take("(")
            inside = number(self.whole())
            self.take(")")
            return abs(inside) if name == "abs" else inside
        if token not in self.scope:
            raise ValueError(f"{token} is not known")
        return self.scope[token]
