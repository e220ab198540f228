"""Registering persons, firms and batches of anonymous parties; changing contact data."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from puhui.kernel.act import Act, Prepared, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.crypto import SubjectKey, new_subject_key, read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.party import rules, tables
from puhui.party.desk.hold import place_hold
from puhui.party.desk.lists import identity_rules
from puhui.party.desk.look_up import find_parties, read_party, take_parties, take_party
from puhui.party.desk.user import check_actor
from puhui.party.nouns import (
    ChangeDetails,
    DetailsChanged,
    PartiesRegistered,
    PartyKind,
    PartyRegistered,
    PersonalField,
    RegisterFirm,
    RegisterParties,
    RegisterPerson,
    RelationKind,
    SealedDetails,
    SealedField,
    SealedParty,
)


def _sealed(key: SubjectKey, fields: Mapping[str, str | None]) -> tuple[SealedField, ...]:
    return tuple(
        SealedField(name, seal(key, name, text))
        for name, text in fields.items()
        if text is not None
    )


def _contact(
    phone: str | None, address: str | None, bank_card: str | None
) -> dict[str, str | None]:
    """Checked contact data by field name."""
    known = identity_rules()
    return {
        PersonalField.PHONE.value: rules.check_mobile(phone, known) if phone else None,
        PersonalField.ADDRESS.value: (
            rules.check_text(address, rules.ADDRESS_LENGTH_MAX, "party.bad_address")
            if address
            else None
        ),
        PersonalField.BANK_CARD.value: rules.check_bank_card(bank_card) if bank_card else None,
    }


def _phone_digest(node: Node, contact: Mapping[str, str | None]) -> str | None:
    phone = contact[PersonalField.PHONE.value]
    return None if phone is None else node.keys.index("phone", phone)


def seal_person(node: Node, input: RegisterPerson | SealedParty) -> Prepared:
    """Check a person's data and seal each field under a key of its own, before the act.

    Refused: ``party.bad_name``, ``party.bad_id_number``, ``party.bad_phone``,
    ``party.bad_address``, ``party.bad_bank_card``, ``party.sealed_input``.
    """
    if not isinstance(input, RegisterPerson):
        raise Refused("party.sealed_input", "A person is registered by plain data only.")
    today = business_date(node.clock.now_us())
    identity = rules.check_resident_id(input.id_number, identity_rules(), today)
    contact = _contact(input.phone, input.address, input.bank_card)
    if contact[PersonalField.PHONE.value] is None:
        raise Refused("party.bad_phone", "A person needs a mobile number.")
    fields = {
        PersonalField.NAME.value: rules.check_text(
            input.name, rules.NAME_LENGTH_MAX, "party.bad_name"
        ),
        PersonalField.ID_NUMBER.value: identity.number,
        PersonalField.BIRTH_DATE.value: identity.birth_date.isoformat(),
        PersonalField.SEX.value: identity.sex,
        PersonalField.REGION.value: identity.region,
        **contact,
    }
    key = new_subject_key(node.keys, f"subject-{secrets.token_hex(16)}")
    sealed = SealedParty(
        kind=PartyKind.PERSON,
        subject=key.subject,
        fields=_sealed(key, fields),
        identity_digest=node.keys.index("id_number", identity.number),
        phone_digest=_phone_digest(node, contact),
    )
    return Prepared(sealed, (key,))


def seal_firm(node: Node, input: RegisterFirm | SealedParty) -> Prepared:
    """Check a firm's data and owners and seal each field, before the act.

    Refused: ``party.bad_name``, ``party.bad_uscc``, ``party.bad_phone``, ``party.bad_address``,
    ``party.bad_bank_card``, ``party.bad_owner``, ``party.no_owner``, ``party.sealed_input``.
    """
    if not isinstance(input, RegisterFirm):
        raise Refused("party.sealed_input", "A firm is registered by plain data only.")
    uscc = rules.check_uscc(input.uscc)
    rules.check_beneficial_owners(
        input.beneficial_owners, input.is_owner_filing_exempt, identity_rules()
    )
    contact = _contact(input.phone, input.address, input.bank_card)
    fields = {
        PersonalField.NAME.value: rules.check_text(
            input.name, rules.NAME_LENGTH_MAX, "party.bad_name"
        ),
        PersonalField.ID_NUMBER.value: uscc,
        PersonalField.REGION.value: uscc[2:8],
        **contact,
    }
    key = new_subject_key(node.keys, f"subject-{secrets.token_hex(16)}")
    sealed = SealedParty(
        kind=PartyKind.FIRM,
        subject=key.subject,
        fields=_sealed(key, fields),
        identity_digest=node.keys.index("uscc", uscc),
        phone_digest=_phone_digest(node, contact),
        legal_representative=input.legal_representative,
        beneficial_owners=input.beneficial_owners,
    )
    return Prepared(sealed, (key,))


def record_party(act: Act, sealed: SealedParty) -> str:
    """Store a sealed person or firm; its id. Refused: ``party.identity_taken``."""
    party_id = act.new_id("party")
    act.tx.put(
        tables.INSERT_PARTY,
        id=party_id,
        kind=sealed.kind.value,
        source=None,
        reference=None,
        subject=sealed.subject,
        identity="unchecked",
        registered_us=act.now_us,
        erased_us=None,
    )
    is_new = act.tx.run(
        tables.INSERT_IDENTITY_IF_NEW, digest=sealed.identity_digest, party_id=party_id
    )
    if not is_new:
        raise Refused("party.identity_taken", "This identity number is registered already.")
    _record_fields(act, party_id, sealed.fields, sealed.phone_digest)
    return party_id


def _record_fields(
    act: Act, party_id: str, fields: tuple[SealedField, ...], phone_digest: str | None
) -> None:
    rows = [{"party_id": party_id, "field": one.field, "sealed": one.sealed} for one in fields]
    act.tx.run_many(tables.PUT_FIELD, rows)
    if phone_digest is not None:
        act.tx.put(tables.PUT_PHONE, party_id=party_id, digest=phone_digest)


@use_case(
    "party.register_person",
    roles=("operator", "loan_officer", "system"),
    api=True,
    prepare=seal_person,
)
def register_person(act: Act, input: RegisterPerson | SealedParty) -> PartyRegistered:
    """Register a natural person; everything personal is sealed under a new key.

    Refused: ``party.identity_taken`` and what ``seal_person`` refuses.
    """
    assert isinstance(input, SealedParty), input
    party_id = record_party(act, input)
    act.emit("party.registered", party_id, {"kind": input.kind.value})
    return PartyRegistered(party_id)


@use_case("party.register_firm", roles=("operator", "loan_officer", "system"), prepare=seal_firm)
def register_firm(act: Act, input: RegisterFirm | SealedParty) -> PartyRegistered:
    """Register a firm with the registered persons behind it, who stay on record with it.

    Refused: ``party.identity_taken``, ``party.unknown``, ``party.erased``,
    ``party.not_a_person`` and what ``seal_firm`` refuses.
    """
    assert isinstance(input, SealedParty), input
    assert input.legal_representative is not None, input.subject
    named = {owner.party_id for owner in input.beneficial_owners} | {input.legal_representative}
    found = take_parties(act, sorted(named))
    for person_id in sorted(named):
        person = rules.check_known(found.get(person_id), person_id)
        rules.check_person(person, "Who stands behind a firm")
    firm_id = record_party(act, input)
    act.tx.put(
        tables.INSERT_RELATION,
        firm_id=firm_id,
        party_id=input.legal_representative,
        kind=RelationKind.LEGAL_REPRESENTATIVE.value,
        grounds="",
        share=None,
    )
    owners = [
        {
            "firm_id": firm_id,
            "party_id": owner.party_id,
            "kind": RelationKind.BENEFICIAL_OWNER.value,
            "grounds": owner.grounds.value,
            "share": None if owner.share is None else str(owner.share),
        }
        for owner in input.beneficial_owners
    ]
    act.tx.run_many(tables.INSERT_RELATION, owners)
    for person_id in sorted(named):
        place_hold(act, found[person_id], reason="firm_role", reference=firm_id)
    act.emit("party.registered", firm_id, {"kind": input.kind.value})
    return PartyRegistered(firm_id)


@use_case(
    "party.register_parties", roles=("operator", "data_partner", "system"), batch="references"
)
def register_parties(act: Act, input: RegisterParties) -> PartiesRegistered:
    """Register anonymous parties by the references of one source; known ones keep their ids.

    Nothing personal is invented: such a party has no name, no number and no key. Refused:
    ``party.bad_source``, ``party.bad_reference``, ``party.kind_differs``.
    """
    rules.check_source(input.source, input.references)
    rows = [
        {
            "id": act.new_id("party"),
            "kind": input.kind.value,
            "source": input.source,
            "reference": reference,
            "subject": None,
            "identity": "unchecked",
            "registered_us": act.now_us,
            "erased_us": None,
        }
        for reference in input.references
    ]
    act.tx.run_many(tables.INSERT_PARTY_IF_NEW, rows)
    parties = find_parties(act.node, act.tx, source=input.source, references=input.references)
    rules.check_kinds(parties, input.kind)
    found = {party.reference: party.id for party in parties}
    party_ids = tuple(found[reference] for reference in input.references)
    new_count = len({row["id"] for row in rows} & set(party_ids))
    return PartiesRegistered(party_ids, new_count)


def seal_details(node: Node, input: ChangeDetails | SealedDetails) -> SealedDetails:
    """Check and seal changed contact data under the party's key, before the act.

    Refused: ``party.unknown``, ``party.erased``, ``party.not_a_person``, ``party.bad_phone``,
    ``party.bad_address``, ``party.bad_bank_card``, ``party.sealed_input``.
    """
    if not isinstance(input, ChangeDetails):
        raise Refused("party.sealed_input", "Contact data is changed by plain data only.")
    contact = _contact(input.phone, input.address, input.bank_card)
    with node.read() as tx:
        party = read_party(tx, input.party_id)
        key = None if party.subject is None else read_subject_key(tx, node.keys, party.subject)
    if key is None:
        raise Refused("party.not_a_person", "An anonymous party has no contact data.")
    return SealedDetails(
        party_id=party.id,
        subject=key.subject,
        fields=_sealed(key, contact),
        phone_digest=_phone_digest(node, contact),
    )


@use_case(
    "party.change_details",
    roles=("customer", "operator", "loan_officer", "system"),
    api=True,
    prepare=seal_details,
)
def change_details(act: Act, input: ChangeDetails | SealedDetails) -> DetailsChanged:
    """Correct a party's phone, address or bank card (PIPL art. 46).

    Refused: ``party.not_yours``, ``party.unknown``, ``party.erased`` and what ``seal_details``
    refuses.
    """
    assert isinstance(input, SealedDetails), input
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    _record_fields(act, party.id, input.fields, input.phone_digest)
    return DetailsChanged(party.id, tuple(sorted(one.field for one in input.fields)))
