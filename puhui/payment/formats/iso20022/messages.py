"""Where each field of the messages' nouns stands."""

from __future__ import annotations

from puhui.payment.formats.iso20022.shape import (
    AMOUNT,
    DAY,
    FLAG,
    MOMENT,
    NUMBER,
    RATE,
    SIGN,
    Place,
    Shape,
    place,
    places,
)
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
    MessageParty,
    OrderedTransfer,
    OriginalMessage,
    PaymentOrder,
    StatementMessage,
    StatusMessage,
    StatusReason,
    TransferStatus,
)

AGENT = Shape(
    Agent,
    (
        place("bic", "FinInstnId/BICFI|FinInstnId/BIC"),
        place("lei", "FinInstnId/LEI"),
        place("clearing_system", "FinInstnId/ClrSysMmbId/ClrSysId/Cd"),
        place("member_id", "FinInstnId/ClrSysMmbId/MmbId"),
        place("name", "FinInstnId/Nm"),
        place("other_id", "FinInstnId/Othr/Id"),
    ),
)
PARTY = Shape(
    MessageParty,
    (
        place("name", "Nm"),
        place("town", "PstlAdr/TwnNm"),
        place("country", "PstlAdr/Ctry"),
        places("address_lines", "PstlAdr/AdrLine"),
        place("bic", "Id/OrgId/AnyBIC|Id/OrgId/BICOrBEI"),
        place("lei", "Id/OrgId/LEI"),
        place("organisation_id", "Id/OrgId/Othr/Id"),
        place("person_id", "Id/PrvtId/Othr/Id"),
    ),
)
NUMBERED = Shape(
    AccountNumber,
    (
        place("iban", "Id/IBAN"),
        place("other_id", "Id/Othr/Id"),
        place("currency", "Ccy"),
        place("name", "Nm"),
    ),
)
REMITTANCE = (
    places("remittance", "RmtInf/Ustrd"),
    place("reference", "RmtInf/Strd/CdtrRefInf/Ref"),
)
_IDS = (
    place("instruction_id", "PmtId/InstrId"),
    place("end_to_end_id", "PmtId/EndToEndId"),
    place("uetr", "PmtId/UETR"),
)
_AGENTS = (
    place("instructing_agent", "InstgAgt", AGENT),
    place("instructed_agent", "InstdAgt", AGENT),
)
_ENDS = (
    place("debtor_account", "DbtrAcct", NUMBERED),
    place("debtor_agent", "DbtrAgt", AGENT),
    place("creditor_agent", "CdtrAgt", AGENT),
    place("creditor_account", "CdtrAcct", NUMBERED),
)

CREDIT_TRANSFER = Shape(
    CreditTransfer,
    (
        *_IDS,
        place("transfer_id", "PmtId/TxId"),
        place("category_purpose", "PmtTpInf/CtgyPurp/Cd"),
        place("amount", "IntrBkSttlmAmt", AMOUNT),
        place("settle_on", "IntrBkSttlmDt", DAY),
        place("instructed", "InstdAmt", AMOUNT),
        place("exchange_rate", "XchgRate", RATE),
        place("charge_bearer", "ChrgBr"),
        *_AGENTS,
        place("intermediary", "IntrmyAgt1", AGENT),
        place("ultimate_debtor", "UltmtDbtr", PARTY),
        place("debtor", "Dbtr", PARTY),
        *_ENDS,
        place("creditor", "Cdtr", PARTY),
        place("ultimate_creditor", "UltmtCdtr", PARTY),
        place("purpose", "Purp/Cd"),
        place("purpose_own", "Purp/Prtry"),
        *REMITTANCE,
    ),
)
BANK_TRANSFER = Shape(
    BankTransfer,
    (
        *_IDS,
        place("transfer_id", "PmtId/TxId"),
        place("amount", "IntrBkSttlmAmt", AMOUNT),
        place("settle_on", "IntrBkSttlmDt", DAY),
        *_AGENTS,
        place("debtor", "Dbtr", AGENT),
        *_ENDS,
        place("creditor", "Cdtr", AGENT),
        place("purpose", "Purp/Cd"),
        places("remittance", "RmtInf/Ustrd"),
    ),
)
_BANK_HEAD = (
    place("message_id", "GrpHdr/MsgId"),
    place("created", "GrpHdr/CreDtTm", MOMENT),
    place("control_sum", "GrpHdr/CtrlSum", RATE),
    place("total", "GrpHdr/TtlIntrBkSttlmAmt", AMOUNT),
    place("settle_on", "GrpHdr/IntrBkSttlmDt", DAY),
    place("method", "GrpHdr/SttlmInf/SttlmMtd"),
    place("clearing_system", "GrpHdr/SttlmInf/ClrSys/Cd"),
    place("instructing_agent", "GrpHdr/InstgAgt", AGENT),
    place("instructed_agent", "GrpHdr/InstdAgt", AGENT),
)
CREDIT_TRANSFERS = Shape(
    CreditTransferMessage, (*_BANK_HEAD, places("transfers", "CdtTrfTxInf", CREDIT_TRANSFER))
)
BANK_TRANSFERS = Shape(
    BankTransferMessage, (*_BANK_HEAD, places("transfers", "CdtTrfTxInf", BANK_TRANSFER))
)

REASON = Shape(
    StatusReason,
    (place("code", "Rsn/Cd"), place("own", "Rsn/Prtry"), places("words", "AddtlInf")),
)
ORIGINAL = Shape(
    OriginalMessage,
    (
        place("message_id", "OrgnlMsgId"),
        place("name", "OrgnlMsgNmId"),
        place("created", "OrgnlCreDtTm", MOMENT),
        place("status", "GrpSts"),
        places("reasons", "StsRsnInf", REASON),
    ),
)
STATUS = Shape(
    TransferStatus,
    (
        place("status_id", "StsId"),
        place("instruction_id", "OrgnlInstrId"),
        place("end_to_end_id", "OrgnlEndToEndId"),
        place("transfer_id", "OrgnlTxId"),
        place("uetr", "OrgnlUETR"),
        place("status", "TxSts"),
        places("reasons", "StsRsnInf", REASON),
        place("accepted", "AccptncDtTm", MOMENT),
        place("settled_on", "FctvIntrBkSttlmDt/Dt|FctvIntrBkSttlmDt/DtTm", DAY),
        place("clearing_reference", "ClrSysRef"),
    ),
)
STATUSES = Shape(
    StatusMessage,
    (
        place("message_id", "GrpHdr/MsgId"),
        place("created", "GrpHdr/CreDtTm", MOMENT),
        place("instructing_agent", "GrpHdr/InstgAgt", AGENT),
        place("instructed_agent", "GrpHdr/InstdAgt", AGENT),
        places("originals", "OrgnlGrpInfAndSts", ORIGINAL),
        places("statuses", "TxInfAndSts", STATUS),
    ),
)

ORDERED = Shape(
    OrderedTransfer,
    (
        *_IDS,
        place("amount", "Amt/InstdAmt", AMOUNT),
        place("creditor_agent", "CdtrAgt", AGENT),
        place("creditor", "Cdtr", PARTY),
        place("creditor_account", "CdtrAcct", NUMBERED),
        place("ultimate_creditor", "UltmtCdtr", PARTY),
        place("purpose", "Purp/Cd"),
        place("purpose_own", "Purp/Prtry"),
        *REMITTANCE,
    ),
)
ORDER = Shape(
    PaymentOrder,
    (
        place("order_id", "PmtInfId"),
        place("method", "PmtMtd"),
        place("control_sum", "CtrlSum", RATE),
        place("execute_on", "ReqdExctnDt/Dt|ReqdExctnDt/DtTm|ReqdExctnDt", DAY),
        place("debtor", "Dbtr", PARTY),
        place("debtor_account", "DbtrAcct", NUMBERED),
        place("debtor_agent", "DbtrAgt", AGENT),
        place("charge_bearer", "ChrgBr"),
        places("transfers", "CdtTrfTxInf", ORDERED),
    ),
)
INITIATION = Shape(
    InitiationMessage,
    (
        place("message_id", "GrpHdr/MsgId"),
        place("created", "GrpHdr/CreDtTm", MOMENT),
        place("control_sum", "GrpHdr/CtrlSum", RATE),
        place("initiator", "GrpHdr/InitgPty", PARTY),
        places("orders", "PmtInf", ORDER),
    ),
)

BALANCE = Shape(
    Balance,
    (
        place("code", "Tp/CdOrPrtry/Cd|Tp/CdOrPrtry/Prtry"),
        place("amount", "Amt", AMOUNT),
        place("is_credit", "CdtDbtInd", SIGN),
        place("on", "Dt/Dt|Dt/DtTm", DAY),
    ),
)
DETAIL = Shape(
    EntryDetail,
    (
        place("servicer_reference", "Refs/AcctSvcrRef"),
        place("message_id", "Refs/MsgId"),
        place("instruction_id", "Refs/InstrId"),
        place("end_to_end_id", "Refs/EndToEndId"),
        place("transfer_id", "Refs/TxId"),
        place("uetr", "Refs/UETR"),
        place("amount", "Amt|AmtDtls/TxAmt/Amt", AMOUNT),
        place("is_credit", "CdtDbtInd", SIGN),
        place("debtor", "RltdPties/Dbtr/Pty|RltdPties/Dbtr", PARTY),
        place("debtor_account", "RltdPties/DbtrAcct", NUMBERED),
        place("debtor_agent", "RltdAgts/DbtrAgt", AGENT),
        place("creditor", "RltdPties/Cdtr/Pty|RltdPties/Cdtr", PARTY),
        place("creditor_account", "RltdPties/CdtrAcct", NUMBERED),
        place("creditor_agent", "RltdAgts/CdtrAgt", AGENT),
        place("purpose", "Purp/Cd"),
        *REMITTANCE,
        place("return_reason", "RtrInf/Rsn/Cd"),
        place("words", "AddtlTxInf"),
    ),
)
ENTRY = Shape(
    Entry,
    (
        place("reference", "NtryRef"),
        place("amount", "Amt", AMOUNT),
        place("is_credit", "CdtDbtInd", SIGN),
        place("is_reversal", "RvslInd", FLAG),
        place("status", "Sts/Cd|Sts/Prtry|Sts"),
        place("booked_on", "BookgDt/Dt|BookgDt/DtTm", DAY),
        place("value_on", "ValDt/Dt|ValDt/DtTm", DAY),
        place("servicer_reference", "AcctSvcrRef"),
        place("domain", "BkTxCd/Domn/Cd"),
        place("family", "BkTxCd/Domn/Fmly/Cd"),
        place("sub_family", "BkTxCd/Domn/Fmly/SubFmlyCd"),
        place("code", "BkTxCd/Prtry/Cd"),
        places("details", "NtryDtls/TxDtls", DETAIL),
        place("words", "AddtlNtryInf"),
    ),
)


def _statement(words: str, *more: Place) -> Shape:
    return Shape(
        AccountStatement,
        (
            place("statement_id", "Id"),
            place("sequence", "ElctrncSeqNb", NUMBER),
            place("created", "CreDtTm", MOMENT),
            place("begins", "FrToDt/FrDtTm", MOMENT),
            place("ends", "FrToDt/ToDtTm", MOMENT),
            place("account", "Acct", NUMBERED),
            place("owner", "Acct/Ownr", PARTY),
            place("servicer", "Acct/Svcr", AGENT),
            *more,
            places("entries", "Ntry", ENTRY),
            place("words", words),
        ),
    )


_STATEMENT_HEAD = (
    place("message_id", "GrpHdr/MsgId"),
    place("created", "GrpHdr/CreDtTm", MOMENT),
)
STATEMENT = _statement("AddtlStmtInf", places("balances", "Bal", BALANCE))
NOTICE = _statement("AddtlNtfctnInf")
STATEMENTS = Shape(StatementMessage, (*_STATEMENT_HEAD, places("statements", "Stmt", STATEMENT)))
NOTICES = Shape(StatementMessage, (*_STATEMENT_HEAD, places("statements", "Ntfctn", NOTICE)))
