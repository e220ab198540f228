"""The ledger again, as plainly as it can be said: dictionaries and loops, nothing shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from puhui.ledger import Account, Transfer


@dataclass
class Held:
    """An account's flags and its four sums."""

    ledger: str
    flags: int
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    def sums(self) -> tuple[int, ...]:
        return (self.debits_pending, self.debits_posted, self.credits_pending, self.credits_posted)


@dataclass
class Reference:
    """Accounts, transfers, what became of pendings, and burnt ids."""

    accounts: dict[int, Held] = field(default_factory=dict)
    transfers: dict[int, Transfer] = field(default_factory=dict)
    states: dict[int, str] = field(default_factory=dict)
    expiries: dict[int, int] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)

    def expire(self, now_us: int) -> None:
        """Release pendings past their time."""
        for transfer_id, state in self.states.items():
            if state == "open" and 0 < self.expiries[transfer_id] <= now_us:
                self.states[transfer_id] = "expired"
                held = self.transfers[transfer_id]
                self.accounts[held.debit_account_id].debits_pending -= held.amount_minor
                self.accounts[held.credit_account_id].credits_pending -= held.amount_minor
                self.reopen(held)

    def reopen(self, held: Transfer) -> None:
        """Open what a pending had closed."""
        if held.flags & Transfer.CLOSING_DEBIT:
            self.accounts[held.debit_account_id].flags &= ~Account.CLOSED
        if held.flags & Transfer.CLOSING_CREDIT:
            self.accounts[held.credit_account_id].flags &= ~Account.CLOSED

    def copied(self) -> Reference:
        """Everything as it is now, to come back to."""
        return Reference(
            {account_id: replace(held) for account_id, held in self.accounts.items()},
            dict(self.transfers),
            dict(self.states),
            dict(self.expiries),
            set(self.failed),
        )

    def batch(self, transfers: Sequence[Transfer], now_us: int) -> list[str]:
        """One batch: chains of linked transfers whole or not at all."""
        self.expire(now_us)
        statuses: list[str] = []
        index = 0
        while index < len(transfers):
            end = index
            while end < len(transfers) - 1 and transfers[end].flags & Transfer.LINKED:
                end += 1
            chain = transfers[index : end + 1]
            statuses += self.chain(chain, now_us)
            index = end + 1
        return statuses

    def chain(self, chain: Sequence[Transfer], now_us: int) -> list[str]:
        """One chain, or one transfer alone."""
        before = self.copied() if len(chain) > 1 else None
        is_open = bool(chain[-1].flags & Transfer.LINKED)
        for place, transfer in enumerate(chain):
            if is_open and place == len(chain) - 1:
                status = "linked_event_chain_open"
            else:
                status = self.one(transfer, now_us)
            if status == "created":
                continue
            if before is not None:
                self.__dict__.update(before.__dict__)
            if status in BURNING:
                self.failed.add(transfer.id)
            result = ["linked_event_failed"] * len(chain)
            result[place] = status
            if is_open:
                result[-1] = "linked_event_chain_open"
            return result
        return ["created"] * len(chain)

    def one(self, t: Transfer, now_us: int) -> str:
        """Book one transfer, or say why not."""
        if t.id in self.transfers:
            return self.repeat(t, self.transfers[t.id])
        if t.id in self.failed:
            return "id_already_failed"
        if t.flags & (Transfer.POST | Transfer.VOID):
            return self.second(t)
        if t.debit_account_id == t.credit_account_id:
            return "accounts_must_be_different"
        if t.timeout_s and not t.flags & Transfer.PENDING:
            return "timeout_reserved_for_pending_transfer"
        closing = t.flags & (Transfer.CLOSING_DEBIT | Transfer.CLOSING_CREDIT)
        if closing and not t.flags & Transfer.PENDING:
            return "closing_transfer_must_be_pending"
        if t.debit_account_id not in self.accounts:
            return "debit_account_not_found"
        if t.credit_account_id not in self.accounts:
            return "credit_account_not_found"
        debit, credit = self.accounts[t.debit_account_id], self.accounts[t.credit_account_id]
        if debit.ledger != credit.ledger:
            return "accounts_must_have_the_same_ledger"
        if t.ledger != debit.ledger:
            return "transfer_must_have_the_same_ledger_as_accounts"
        if debit.flags & Account.CLOSED:
            return "debit_account_already_closed"
        if credit.flags & Account.CLOSED:
            return "credit_account_already_closed"
        amount = t.amount_minor
        if t.flags & Transfer.BALANCING_DEBIT:
            room = debit.credits_posted - debit.debits_posted - debit.debits_pending
            amount = min(amount, max(room, 0))
        if t.flags & Transfer.BALANCING_CREDIT:
            room = credit.debits_posted - credit.credits_posted - credit.credits_pending
            amount = min(amount, max(room, 0))
        debits = debit.debits_pending + debit.debits_posted + amount
        if debit.flags & Account.DEBITS_MUST_NOT_EXCEED_CREDITS and debits > debit.credits_posted:
            return "exceeds_credits"
        credits = credit.credits_pending + credit.credits_posted + amount
        if credit.flags & Account.CREDITS_MUST_NOT_EXCEED_DEBITS and credits > credit.debits_posted:
            return "exceeds_debits"
        self.transfers[t.id] = replace(t, amount_minor=amount)
        if t.flags & Transfer.PENDING:
            self.states[t.id] = "open"
            self.expiries[t.id] = now_us + t.timeout_s * 1_000_000 if t.timeout_s else 0
            debit.debits_pending += amount
            credit.credits_pending += amount
            if t.flags & Transfer.CLOSING_DEBIT:
                debit.flags |= Account.CLOSED
            if t.flags & Transfer.CLOSING_CREDIT:
                credit.flags |= Account.CLOSED
        else:
            debit.debits_posted += amount
            credit.credits_posted += amount
        return "created"

    def second(self, t: Transfer) -> str:
        """Post or void a pending transfer."""
        if t.pending_id == t.id:
            return "pending_id_must_be_different"
        held = self.transfers.get(t.pending_id)
        if held is None:
            return "pending_transfer_not_found"
        if not held.flags & Transfer.PENDING:
            return "pending_transfer_not_pending"
        amount = t.amount_minor
        if t.flags & Transfer.POST and amount == Transfer.ALL:
            amount = held.amount_minor
        if t.flags & Transfer.VOID and amount == 0:
            amount = held.amount_minor
        if amount > held.amount_minor:
            return "exceeds_pending_transfer_amount"
        if t.flags & Transfer.VOID and amount < held.amount_minor:
            return "pending_transfer_has_different_amount"
        if self.states[held.id] != "open":
            already = {"posted": "already_posted", "voided": "already_voided"}
            return f"pending_transfer_{already.get(self.states[held.id], 'expired')}"
        debit = self.accounts[held.debit_account_id]
        credit = self.accounts[held.credit_account_id]
        if t.flags & Transfer.POST:
            if debit.flags & Account.CLOSED:
                return "debit_account_already_closed"
            if credit.flags & Account.CLOSED:
                return "credit_account_already_closed"
        else:
            self.reopen(held)
        debit.debits_pending -= held.amount_minor
        credit.credits_pending -= held.amount_minor
        self.states[held.id] = "posted" if t.flags & Transfer.POST else "voided"
        if t.flags & Transfer.POST:
            debit.debits_posted += amount
            credit.credits_posted += amount
        self.transfers[t.id] = replace(t, amount_minor=amount)
        return "created"

    def repeat(self, t: Transfer, found: Transfer) -> str:
        """What a used id answers."""
        if t.flags != found.flags:
            return "exists_with_different_flags"
        if t.pending_id != found.pending_id:
            return "exists_with_different_pending_id"
        if t.timeout_s != found.timeout_s:
            return "exists_with_different_timeout"
        if t.flags & (Transfer.POST | Transfer.VOID):
            wanted = t.amount_minor
            takes_all = Transfer.ALL if t.flags & Transfer.POST else 0
            if wanted == takes_all:
                wanted = self.transfers[t.pending_id].amount_minor
            return "exists" if wanted == found.amount_minor else "exists_with_different_amount"
        if t.debit_account_id != found.debit_account_id:
            return "exists_with_different_debit_account_id"
        if t.credit_account_id != found.credit_account_id:
            return "exists_with_different_credit_account_id"
        if t.flags & (Transfer.BALANCING_DEBIT | Transfer.BALANCING_CREDIT):
            is_same = t.amount_minor >= found.amount_minor
        else:
            is_same = t.amount_minor == found.amount_minor
        if not is_same:
            return "exists_with_different_amount"
        return "exists" if t.ledger == found.ledger else "exists_with_different_ledger"


BURNING = {
    "debit_account_not_found",
    "credit_account_not_found",
    "pending_transfer_not_found",
    "exceeds_credits",
    "exceeds_debits",
    "debit_account_already_closed",
    "credit_account_already_closed",
}
