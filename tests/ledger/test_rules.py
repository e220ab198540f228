"""The pure rules: what must hold of any batch, and which of several faults is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.ledger import Account, Transfer
from puhui.ledger.nouns import ID_MAX, Status
from puhui.ledger.rules import Books, compare_books, judge_accounts, judge_transfers

NOW_US = 1_000_000_000
LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
ACCOUNTS = {1: ("CNY", Account.HISTORY, 1), 2: ("CNY", LIMITED, 1), 3: ("CNY", 8, 1)}
SUMS = {1: (0, 500, 0, 0), 2: (5, 0, 0, 300), 3: (0, 0, 5, 200)}

transfers = st.lists(
    st.builds(
        Transfer,
        id=st.integers(1, 12),
        debit_account_id=st.integers(1, 3),
        credit_account_id=st.integers(1, 3),
        amount_minor=st.integers(0, 150),
        ledger=st.just("CNY"),
        code=st.just(1),
        flags=st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 8]),
        pending_id=st.sampled_from([0, 0, 0, 1, 2, 3, 4]),
    ),
    max_size=30,
)


@given(transfers)
def test_any_batch_debits_what_it_credits_and_leaves_its_books_alone(
    batch: list[Transfer],
) -> None:
    books = Books(NOW_US, ACCOUNTS, SUMS)
    made = judge_transfers(books, batch)
    assert SUMS == {1: (0, 500, 0, 0), 2: (5, 0, 0, 300), 3: (0, 0, 5, 200)}
    assert len(made.statuses) == len(batch)
    changes = list(made.changes.values())
    assert sum(c[0] for c in changes) == sum(c[2] for c in changes)
    assert sum(c[1] for c in changes) == sum(c[3] for c in changes)
    after = [old + new for old, new in zip(SUMS[2], made.changes.get(2, [0] * 4), strict=True)]
    assert after[0] + after[1] <= after[3]
    assert min(after) >= 0
    created = [t.id for t, s in zip(batch, made.statuses, strict=True) if s == "created"]
    assert created == [t.id for t in made.created]
    assert len(set(created)) == len(created)


@given(transfers)
def test_a_chain_happens_whole_or_not_at_all(batch: list[Transfer]) -> None:
    made = judge_transfers(Books(NOW_US, ACCOUNTS, SUMS), batch)
    chain: list[str] = []
    for transfer, status in zip(batch, made.statuses, strict=True):
        chain.append(status)
        if not transfer.flags & Transfer.LINKED:
            assert chain.count("created") in (0, len(chain)), chain
            if len(chain) > 1 and "created" not in chain:
                assert chain.count("linked_event_failed") == len(chain) - 1
            chain = []
    assert "created" not in chain


FAULTY: dict[str, int | str] = {
    "id": 0,
    "amount_minor": 2**62,
    "flags": 1 << 12 | Transfer.POST,
    "pending_id": 9,
    "timeout_s": 5,
    "time_us": 1,
}
MENDS: list[tuple[str, int | str, str]] = [
    ("code", 0, "timestamp_must_be_zero"),
    ("time_us", 0, "reserved_flag"),
    ("flags", 0, "id_must_not_be_zero"),
    ("id", ID_MAX, "id_must_not_be_int_max"),
    ("id", 5, "debit_account_id_must_not_be_zero"),
    ("debit_account_id", ID_MAX, "debit_account_id_must_not_be_int_max"),
    ("debit_account_id", 7, "credit_account_id_must_not_be_zero"),
    ("credit_account_id", ID_MAX, "credit_account_id_must_not_be_int_max"),
    ("credit_account_id", 7, "accounts_must_be_different"),
    ("credit_account_id", 8, "pending_id_must_be_zero"),
    ("pending_id", 0, "timeout_reserved_for_pending_transfer"),
    ("timeout_s", 0, "ledger_must_not_be_zero"),
    ("ledger", "USD", "code_must_not_be_zero"),
    ("code", 1, "debit_account_not_found"),
    ("debit_account_id", 2, "credit_account_not_found"),
    ("credit_account_id", 4, "accounts_must_have_the_same_ledger"),
    ("credit_account_id", 3, "transfer_must_have_the_same_ledger_as_accounts"),
    ("ledger", "CNY", "amount_must_not_exceed_62_bits"),
    ("amount_minor", 296, "exceeds_credits"),
    ("amount_minor", 295, "created"),
]
"""A transfer with every fault at once, mended one by one, and the fault that is told next."""


def test_faults_are_told_in_the_order_of_precedence() -> None:
    accounts = {**ACCOUNTS, 4: ("USD", 0, 1)}
    fields, told = dict(FAULTY), []
    for name, value, _ in MENDS:
        fields[name] = value
        told += judge_transfers(Books(NOW_US, accounts, SUMS), [Transfer(**fields)]).statuses
    assert told == [status for _, _, status in MENDS]
    order = [Status(status) for status in told[:-1]]
    assert order == sorted(order, key=list(Status).index)


def test_the_last_linked_event_leaves_its_chain_open() -> None:
    linked = [Account(n, "CNY", 1, Account.LINKED) for n in (1, 2)]
    statuses, created = judge_accounts({}, [Account(9, "CNY", 1), *linked], NOW_US)
    assert statuses == ["created", "linked_event_failed", "linked_event_chain_open"]
    assert [account.id for account in created] == [9]


def test_sums_that_disagree_are_found_one_by_one() -> None:
    found = list(compare_books("balance", {1: (0, 5, 0, 0)}, {1: (0, 4, 0, 0), 2: (0, 0, 0, 1)}))
    assert [(f.subject[-13:], f.expected, f.found) for f in found] == [
        ("debits_posted", "5", "4"),
        ("redits_posted", "0", "1"),
    ]


@pytest.mark.parametrize("status", Status)
def test_statuses_are_told_by_their_own_names(status: Status) -> None:
    assert status.name.lower() == status.value == status
