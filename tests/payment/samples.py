"""Messages of every kind that tests write, read, break and compare."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from puhui.payment.nouns.message import (
    AccountNumber,
    AccountStatement,
    Agent,
    Balance,
    BankTransfer,
    BankTransferMessage,
    CreditTransfer,
    CreditTransferMessage,
    Entry,
    EntryDetail,
    InitiationMessage,
    MessageAmount,
    MessageParty,
    OrderedTransfer,
    OriginalMessage,
    PaymentOrder,
    StatementMessage,
    StatusMessage,
    StatusReason,
    TransferStatus,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
BANK = Agent(bic="BKCHCNBJXXX", name="中国银行")
OTHER = Agent(clearing_system="CNAPS", member_id="102100099996", lei="5493001KJTIIGC8Y1R12")
PAYER = MessageParty(
    name="张三 & <儿子>",
    town="兰考",
    country="CN",
    address_lines=("城关镇", "一号"),
    person_id="p-1",
)
PAYEE = MessageParty(name="Müller GmbH", country="DE", lei="5493001KJTIIGC8Y1R12")
FROM = AccountNumber(other_id="00ff" * 8, currency="CNY", name="零钱")
TO = AccountNumber(iban="DE89370400440532013000")
UETRS = ("86d7da8e-6e41-4466-b9bb-9b41d5814d5a", "96d7da8e-6e41-4466-b9bb-9b41d5814d5b")


def cny(minor: int) -> MessageAmount:
    """An amount in yuan."""
    return MessageAmount(minor, "CNY")


CREDIT_TRANSFERS = CreditTransferMessage(
    message_id="M-1",
    created=NOW,
    transfers=(
        CreditTransfer(
            end_to_end_id="E-1",
            amount=cny(123_456),
            instruction_id="I-1",
            transfer_id="T-1",
            uetr=UETRS[0],
            settle_on=DAY,
            instructed=MessageAmount(170_00, "USD"),
            exchange_rate=Decimal("7.2621"),
            charge_bearer="SHAR",
            purpose="GDDS",
            category_purpose="SUPP",
            debtor=PAYER,
            debtor_account=FROM,
            debtor_agent=BANK,
            creditor_agent=OTHER,
            creditor=PAYEE,
            creditor_account=TO,
            ultimate_debtor=MessageParty(name="村委会"),
            ultimate_creditor=MessageParty(name="合作社"),
            intermediary=BANK,
            remittance=("化肥款 “三月”", "second line\r"),
            reference="RF18539007547034",
        ),
        CreditTransfer(
            end_to_end_id="E-2",
            amount=cny(1),
            uetr=UETRS[1],
            settle_on=DAY,
            purpose_own="own",
            debtor=PAYEE,
            debtor_agent=BANK,
            creditor_agent=BANK,
            creditor=PAYER,
        ),
    ),
    clearing_system="CIP",
    control_sum=Decimal("1234.57"),
    total=cny(123_457),
    settle_on=None,
    instructing_agent=BANK,
    instructed_agent=OTHER,
)
BANK_TRANSFERS = BankTransferMessage(
    message_id="M-2",
    created=NOW,
    transfers=(
        BankTransfer(
            end_to_end_id="E-1",
            amount=MessageAmount(5_000, "JPY"),
            transfer_id="T-1",
            uetr=UETRS[0],
            settle_on=DAY,
            purpose="INTC",
            debtor=BANK,
            debtor_account=FROM,
            debtor_agent=BANK,
            creditor_agent=OTHER,
            creditor=OTHER,
            creditor_account=TO,
            remittance=("净额清算",),
        ),
    ),
    total=MessageAmount(5_000, "JPY"),
    instructing_agent=BANK,
    instructed_agent=OTHER,
)
REASONS = (StatusReason(code="AC03", words=("户名不符", "second")), StatusReason(own="P1"))
STATUSES = StatusMessage(
    message_id="M-3",
    created=NOW,
    originals=(
        OriginalMessage(
            message_id="M-1", name="pacs.008.001.08", created=NOW, status="PART", reasons=REASONS
        ),
    ),
    statuses=(
        TransferStatus(status="ACSC", status_id="S-1", uetr=UETRS[0], accepted=NOW, settled_on=DAY),
        TransferStatus(
            status="RJCT",
            status_id="S-2",
            instruction_id="I-1",
            end_to_end_id="E-2",
            transfer_id="T-2",
            reasons=REASONS,
            clearing_reference="C-1",
        ),
    ),
    instructing_agent=OTHER,
    instructed_agent=BANK,
)
INITIATION = InitiationMessage(
    message_id="M-4",
    created=NOW,
    initiator=PAYER,
    control_sum=Decimal("30.05"),
    orders=(
        PaymentOrder(
            order_id="P-1",
            execute_on=DAY,
            debtor=PAYER,
            debtor_account=FROM,
            debtor_agent=BANK,
            control_sum=Decimal("30.05"),
            charge_bearer="SLEV",
            transfers=(
                OrderedTransfer(
                    end_to_end_id="E-1",
                    amount=cny(1_005),
                    uetr=UETRS[0],
                    purpose="SALA",
                    creditor_agent=OTHER,
                    creditor=PAYEE,
                    creditor_account=TO,
                    ultimate_creditor=PAYER,
                    remittance=("工资", "三月"),
                    reference="R-1",
                ),
                OrderedTransfer(
                    end_to_end_id="NOTPROVIDED",
                    instruction_id="I-2",
                    amount=cny(2_000),
                    purpose_own="seed",
                    creditor=PAYER,
                ),
            ),
        ),
    ),
)
STATEMENT = AccountStatement(
    statement_id="S-1",
    account=FROM,
    sequence=3,
    created=NOW,
    begins=NOW,
    ends=NOW,
    owner=PAYER,
    servicer=BANK,
    balances=(Balance("OPBD", cny(1_000), True, DAY), Balance("CLBD", cny(500), False, DAY)),
    entries=(
        Entry(
            amount=cny(2_000),
            is_credit=False,
            reference="1",
            is_reversal=False,
            booked_on=DAY,
            value_on=DAY,
            servicer_reference="ff" * 16,
            domain="PMNT",
            family="ICDT",
            sub_family="DMCT",
            code="payment",
            words="付款",
            details=(
                EntryDetail(
                    amount=cny(1_999),
                    is_credit=False,
                    servicer_reference="a",
                    message_id="m",
                    instruction_id="i",
                    end_to_end_id="e",
                    transfer_id="t",
                    uetr=UETRS[0],
                    debtor=PAYER,
                    debtor_account=FROM,
                    debtor_agent=BANK,
                    creditor=PAYEE,
                    creditor_account=TO,
                    creditor_agent=OTHER,
                    purpose="GDDS",
                    remittance=("化肥",),
                    reference="r",
                    words="w",
                ),
                EntryDetail(amount=cny(1), is_credit=False, return_reason="AC03"),
            ),
        ),
        Entry(amount=cny(500), is_credit=True, code="deposit"),
        Entry(amount=cny(9_999), is_credit=True, status="PDNG", code="deposit"),
    ),
    words="对账单",
)
STATEMENTS = StatementMessage(message_id="M-5", created=NOW, statements=(STATEMENT,))
NOTICES = StatementMessage(
    message_id="M-6",
    created=NOW,
    statements=(
        AccountStatement(statement_id="N-1", account=TO, entries=STATEMENT.entries, words="通知"),
    ),
)
