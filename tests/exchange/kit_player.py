"""A file of the Mojaloop test kit, played against our rooms: its steps in, its assertions held.

The steps (who sends what to whom) are read and done through use cases; what the kit expects is read
only after the step was done, and compared with what the ledger says then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from puhui.exchange.desk.account import own_account
from puhui.exchange.window import AmountKind, leg, prices, windows
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger.desk.upkeep import ExpirePendings
from tests.exchange.kit_script import (
    CODES,
    CONDITION,
    EXPECT,
    INPUTS,
    INVALID,
    MISSING,
    MONEY,
    NAME,
    STATES,
    VALID,
    Held,
    Script,
    number,
)
from tests.exchange.scheme import MINUTE_US, STAFF, Scheme, act, own_balance


@dataclass
class Player:
    """One file, played on one node with a scheme of its own."""

    node: Node
    clock: FixedClock
    script: Script = field(default_factory=Script)
    told: list[Held] = field(default_factory=list)
    legs: dict[str, str] = field(default_factory=dict)
    funds: dict[str, tuple[str, str]] = field(default_factory=dict)
    exchanged: set[str] = field(default_factory=set)
    previous: dict[str, Any] = field(default_factory=dict)
    settling: dict[str, str] = field(default_factory=dict)
    currency: str = "CNY"
    made: int = 0

    def __post_init__(self) -> None:
        self.scheme = Scheme(self.node)
        self.ids = {"fxp": self.scheme.one.id}
        self.scheme.one.offer(
            self.node, maximum_minor=100_000, expires_us=self.clock.now_us() + 24 * 60 * MINUTE_US
        )
        self.script.scope = {
            "environment": dict(INPUTS), "requestVariables": {}, "inputs": INPUTS,
            "callback": {}, "response": {}, "request": {},
        }  # fmt: skip

    def bank(self, name: str) -> str:
        """The id of a participant, funded when it is first met."""
        if name not in self.ids:
            self.ids[name] = self.scheme.register(name, "bank")
            for currency in ("CNY", "USD"):
                self.scheme.fund(self.ids[name], currency, 1_100_000, 1_000_000)
        return self.ids[name]

    def fill(self, value: Any) -> Any:
        """A body or a path with its places filled in."""
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.fill(one) for one in value]
        if isinstance(value, str):
            if whole := re.fullmatch(r"\{\$([^}]+)\}", value):
                return self.place(whole.group(1))
            return re.sub(r"\{\$([^}]+)\}", lambda m: str(self.place(m.group(1)) or ""), value)
        return value

    def place(self, path: str) -> Any:
        """What stands at a place: an input, a name, a made id, a part of an earlier request."""
        if path == "function.generic.generateID":
            self.made += 1
            return f"kit-{self.made}"
        head, *rest = path.split(".")
        value: Any = self.script.scope.get(head)
        if head == "prev":
            # A request is named by what it is described as, or by how that begins.
            name = rest.pop(0)
            like = [one for one in self.previous if one.startswith(name) or name.startswith(one)]
            value = self.previous.get(name) or (self.previous[like[-1]] if like else MISSING)
        for part in rest:
            value = value.get(part) if isinstance(value, dict) else MISSING
        return value

    def play(self, cases: list[dict[str, Any]]) -> list[Held]:
        """Every request of every case in its order; all that is expected about money."""
        for case in cases:
            for request in case["requests"]:
                self.step(case["id"], request)
        return self.told

    def step(self, case: str, request: dict[str, Any]) -> None:
        scope = self.script.scope
        scope["requestVariables"] = {}
        scripts = request.get("scripts", {})
        before = self.fill(scripts.get("preRequest", {}).get("exec", []))
        self.script.run(before, self.clock.now_us())
        if "delay" in request:
            self.wait(MINUTE_US // 20)
        body = self.fill(request.get("body") or {})
        path = self.fill(request.get("path") or request.get("operationPath") or "")
        scope["request"], scope["callback"], scope["response"] = {"body": body}, {}, {}
        after = self.fill(scripts.get("postRequest", {}).get("exec", []))
        if "after expiry time" in request.get("description", ""):
            self.wait(MINUTE_US)
        answer = self.do(request["method"], path, body, "\n".join(after))
        scope["response"] = {"body": answer}
        said = {"request": {"body": body}, "callback": scope["callback"]}
        self.previous[NAME.sub("-", request.get("description", "").strip())] = said
        for name in re.findall(
            r"requestVariables\.(\w*[cC]allback|inboundEventMsg)\b", str(request)
        ):
            scope["requestVariables"][name] = scope["callback"]
        self.script.run(after, self.clock.now_us())
        for one in request.get("tests", {}).get("assertions", []):
            self.hold(case, " ".join(line.strip() for line in one["exec"]))

    def hold(self, case: str, text: str) -> None:
        """Compare what is expected about money; headers and switched-off checks are passed by."""
        text = text.strip()
        if text.startswith(("if", "//")) or "headers" in text or not MONEY.search(text):
            return
        for left, no, right in EXPECT.findall(text):
            if "transferAmount" in left or "{$" in left:
                continue
            try:
                one, other = self.script.value(left), self.script.value(right)
            except ValueError:
                self.told.append(Held(case, text, False))
                continue
            if "have.property" in text:
                is_same = isinstance(one, dict) and other in one
            else:
                is_same = one is not MISSING and str(one) == str(other)
                if isinstance(one, Decimal) and isinstance(other, Decimal):
                    is_same = one == other
            if right == "undefined":
                is_same = one is MISSING
            self.told.append(Held(case, text, is_same is not bool(no)))

    def wait(self, us: int) -> None:
        """Let time pass, and have what is over end."""
        self.clock.set_us(self.clock.now_us() + us)
        act(self.node, "expire_legs", {})
        self.node.act(
            "ledger.expire_pendings",
            ExpirePendings(),
            key=f"kit {self.clock.now_us()}",
            actor=STAFF,
        )

    def do(self, method: str, path: str, body: dict[str, Any], after: str) -> Any:
        """One request; the rows it reads. What is sent back goes to ``callback``."""
        parts = path.strip("/").split("/")
        if method == "get" and parts[-1] in ("accounts", "positions", "limits"):
            return self.rows(parts[1], parts[-1])
        if method == "post" and parts[0] in ("fxQuotes", "quotes"):
            return self.quote(body)
        if "commitRequestId" in body:
            return self.exchange(body)
        if "transferId" in body and "payerFsp" in body:
            return self.pay(body)
        if parts[0] in ("transfers", "fxTransfers") and len(parts) > 1:
            return self.leg_step(method, parts, body)
        if parts[-1] == "limits":
            told = {"participant_id": self.bank(parts[1]), "currency": body["currency"]}
            cap = int(number(body["limit"]["value"]) * 100)
            act(self.node, "set_cap", {**told, "cap_minor": cap})
        elif str(body.get("action", "")).startswith("recordFunds"):
            self.move_funds(parts, body)
        elif parts[0].startswith("settlement"):
            return self.settle(method, parts, body, after)
        return {}

    def rows(self, name: str, what: str) -> list[dict[str, Any]]:
        """The kit's accounts of a participant, by what the ledger says: owed and held together."""
        if name == "Hub":
            funding = {c: own_account("funding", c) for c in ("CNY", "USD")}
            kind = {"ledgerAccountType": "HUB_RECONCILIATION"}
            return [
                {**kind, "currency": c, "value": Decimal(-own_balance(self.node, account)) / 100}
                for c, account in funding.items()
            ]
        rows = []
        for currency in ("CNY", "USD"):
            position = self.scheme.position(self.bank(name or "payeefsp"), currency)
            owed = Decimal(position.position_minor + position.held_minor) / 100
            free = Decimal(position.funds_minor + position.cover_minor) / 100
            cap = {"type": "NET_DEBIT_CAP", "value": Decimal(position.cap_minor) / 100}
            row: dict[str, Any] = {"currency": currency, "value": owed, "limit": cap}
            rows.append({**row, "ledgerAccountType": "POSITION"})
            if what == "accounts":
                rows.append({**row, "ledgerAccountType": "SETTLEMENT", "value": -free})
        return rows

    def refused(self, refused: Refused, name: str = "", minor: int = 0) -> None:
        """Send back the kit's number for a refusal; a payer short of money, or of its cap alone."""
        code = refused.code.partition(".")[2]
        if code == "payer_short":
            one = self.scheme.position(self.bank(name), "CNY")
            left = one.funds_minor + one.cover_minor - one.position_minor - one.held_minor
            told = "4200" if minor <= left else "4001"
        else:
            told = CODES[code]
        self.script.scope["callback"] = {
            "body": {"errorInformation": {"errorCode": told, "errorDescription": refused.args[0]}}
        }

    def answer(self, leg_id: str, **said: str) -> None:
        """Send back where a leg stands."""
        with self.node.read() as tx:
            state = STATES[leg(tx, leg_id).state]
        name = "conversionState" if leg_id.startswith("fx-") else "transferState"
        self.script.scope["callback"] = {"body": {name: state, "fulfilment": VALID, **said}}

    def quote(self, body: dict[str, Any]) -> dict[str, Any]:
        """What a payment costs: in one currency what was asked for, across two by our prices."""
        terms = body.get("conversionTerms")
        if terms is None:
            until = self.clock.now_us() + 10 * MINUTE_US
            said: dict[str, Any] = {"transferAmount": body["amount"], "expiration": until}
            self.script.scope["callback"] = {"body": said}
            return {}
        source, target = terms["sourceAmount"], terms["targetAmount"]
        minor = int(number(source["amount"]) * 100)
        with self.node.read() as tx:
            found = prices(
                tx,
                source_currency=source["currency"],
                target_currency=target["currency"],
                amount_minor=minor,
                amount_kind=AmountKind.SEND,
                now_us=self.clock.now_us(),
                fee_kind="none",
            )
        if not found:
            self.script.scope["callback"] = {"body": {"errorInformation": {"errorCode": "5103"}}}
            return {}
        arrives = format(Decimal(found[0].target_minor) / 100, ".2f")
        terms = {**terms, "targetAmount": {**target, "amount": arrives}}
        self.script.scope["callback"] = {"body": {"conversionTerms": terms}}
        return {}

    def exchange(self, body: dict[str, Any]) -> dict[str, Any]:
        """The source leg of an exchange; the provider answers as the amount says."""
        self.exchanged.add(str(body["determiningTransferId"]))
        ends = {"payer": body["initiatingFsp"], "payee": body["counterPartyFsp"]}
        amount = body["sourceAmount"]
        leg_id = f"fx-{body['commitRequestId']}"
        self.prepare(leg_id, str(body["determiningTransferId"]), ends, amount, body, awaits="here")
        return {}

    def pay(self, body: dict[str, Any]) -> dict[str, Any]:
        """A payment between two banks, or from the provider of its exchange to the payee's bank."""
        leg_id = str(body["transferId"])
        payer = "fxp" if leg_id in self.exchanged else body["payerFsp"]
        ends = {"payer": payer, "payee": body["payeeFsp"] or "payeefsp"}
        deal = leg_id if leg_id in self.exchanged else f"deal-{leg_id}"
        self.prepare(leg_id, deal, ends, body["amount"], body)
        return {}

    def prepare(
        self,
        leg_id: str,
        deal_id: str,
        ends: dict[str, str],
        amount: dict[str, Any],
        body: dict[str, Any],
        *,
        awaits: str = "",
    ) -> None:
        until = body.get("expiration")
        until_us = until if isinstance(until, int) else self.clock.now_us() + 60 * MINUTE_US
        told = {
            "leg_id": leg_id, "deal_id": deal_id, "currency": amount["currency"],
            "amount_minor": int(number(amount["amount"]) * 100), "condition": CONDITION,
            "awaits": awaits, **{k: f"participant:{self.bank(v)}" for k, v in ends.items()},
        }  # fmt: skip
        self.legs.setdefault(leg_id, str(until_us))
        told["expires_us"] = int(self.legs[leg_id])
        try:
            state = act(self.node, "prepare_leg", told).state
        except Refused as refused:
            self.refused(refused, ends["payer"], int(told["amount_minor"]))
            return
        if state == "prepared" and ends["payee"] != "silentfsp":
            self.reply(leg_id, str(amount["amount"]))
        elif state == "prepared" and "105" in str(amount["amount"]):
            self.run_out(leg_id)
        else:
            self.answer(leg_id)

    def reply(self, leg_id: str, amount: str) -> None:
        """What a simulator of the kit answers: by the amount, as its rules have it."""
        if amount == "16":
            self.run_out(leg_id)
        elif amount == INPUTS["FX_SOURCE_AMOUNT_ERROR_GENERIC"]:
            act(self.node, "abort_leg", {"leg_id": leg_id})
            self.script.scope["callback"] = {"body": {"errorInformation": {"errorCode": "5103"}}}
        else:
            self.fulfil(leg_id, INVALID if amount == "15" else VALID)

    def run_out(self, leg_id: str) -> None:
        """Nobody answers until the time of a leg is over."""
        self.wait(max(0, int(self.legs[leg_id]) - self.clock.now_us()))
        try:
            act(self.node, "fulfil_leg", {"leg_id": leg_id, "preimage": VALID})
        except Refused as refused:
            self.refused(refused)

    def fulfil(self, leg_id: str, preimage: str) -> None:
        """Show a fulfilment; a wrong one leaves the leg to whoever gives it up: here, its payee."""
        try:
            act(self.node, "fulfil_leg", {"leg_id": leg_id, "preimage": preimage})
            self.answer(leg_id)
        except Refused as refused:
            self.refused(refused)
            if refused.code == "exchange.wrong_fulfilment" and self.state(leg_id) == "prepared":
                act(self.node, "abort_leg", {"leg_id": leg_id})
            elif refused.code == "exchange.wrong_fulfilment":
                told = {"errorCode": "3106", "errorDescription": "another fulfilment"}
                self.script.scope["callback"] = {"body": {"errorInformation": told}}
            elif refused.code == "exchange.dependent_not_fulfilled":
                act(self.node, "abort_leg", {"leg_id": leg_id})

    def state(self, leg_id: str) -> str:
        with self.node.read() as tx:
            return leg(tx, leg_id).state

    def leg_step(self, method: str, parts: list[str], body: dict[str, Any]) -> dict[str, Any]:
        """Fulfil, give up, or look at a leg, or at funds on their way out."""
        if parts[1] in self.funds:
            state = self.funds[parts[1]][1]
            self.script.scope["callback"] = {"body": {"transferState": STATES[state]}}
            return {}
        leg_id = f"fx-{parts[1]}" if parts[0] == "fxTransfers" else parts[1]
        if method == "put" and parts[-1] == "error":
            act(self.node, "abort_leg", {"leg_id": leg_id})
            self.answer(leg_id)
        elif method == "put" and body.get("transferState") == "COMMITTED":
            self.fulfil(leg_id, str(body.get("fulfilment") or ""))
        elif method == "get":
            self.answer(leg_id)
        return {}

    def move_funds(self, parts: list[str], body: dict[str, Any]) -> None:
        action = body["action"]
        if action == "recordFundsOutPrepareReserve":
            told = {
                "participant_id": self.bank(parts[1]), "currency": body["amount"]["currency"],
                "amount_minor": int(number(body["amount"]["amount"]) * 100),
                "reference": body["transferId"],
            }  # fmt: skip
            made = act(self.node, "reserve_funds_out", told)
            self.funds[body["transferId"]] = made.funds_id, made.state
            return
        name = "commit_funds_out" if action == "recordFundsOutCommit" else "abort_funds_out"
        funds_id = self.funds[parts[-1]][0]
        state = act(self.node, name, {"funds_id": funds_id}).state
        self.funds[parts[-1]] = funds_id, state

    def settle(self, method: str, parts: list[str], body: dict[str, Any], after: str) -> Any:
        """Windows and settlements of the currency that the file is about."""
        currency = self.currency
        with self.node.read() as tx:
            found = [one for one in windows(tx) if one.currency == currency]
        if parts[0] == "settlementWindows" and method == "get":
            opened = [one for one in found if one.state == "open"]
            return [{"settlementWindowId": one.id, "state": "OPEN"} for one in opened]
        if parts[0] == "settlementWindows":
            act(self.node, "close_window", {"window_id": parts[1]})
            self.settling = {"window": parts[1], "state": "PENDING_SETTLEMENT"}
            return {"state": "CLOSED"}
        if method == "post":
            return {"id": "settlement", "state": "PENDING_SETTLEMENT"}
        wanted = re.search(r'"state": "(\w+)"', after) if "axios.put" in after else None
        if wanted and wanted.group(1) == "PS_TRANSFERS_RESERVED":
            told = {"currency": currency, "window_ids": [self.settling["window"]]}
            made = act(self.node, "reserve_settlement", told)
            self.settling["id"] = made.settlement_id
        elif wanted and wanted.group(1) == "PS_TRANSFERS_COMMITTED":
            act(self.node, "settle", {"settlement_id": self.settling["id"]})
        return {"state": "", "settlementWindows": [], "participants": []}
