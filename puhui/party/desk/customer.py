"""A logged-in visitor who says who they are, and so becomes a customer."""

from __future__ import annotations

from puhui.kernel.act import Act, Prepared, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.party import rules, tables
from puhui.party.desk.lists import identity_rules
from puhui.party.desk.look_up import party_of, take_party
from puhui.party.desk.register import record_party, seal_person
from puhui.party.desk.user import read_user
from puhui.party.nouns import PartyRegistered, RegisterPerson
from puhui.party.nouns.session import BecomeCustomer, SealedCustomer
from puhui.party.tables import session as session_tables


def seal_customer(node: Node, input: BecomeCustomer | SealedCustomer) -> Prepared:
    """Check and seal the person's data, before the act.

    Refused: ``party.bad_name``, ``party.bad_id_number``, ``party.bad_phone``,
    ``party.bad_address``, ``party.bad_bank_card``, ``party.sealed_input``.
    """
    if not isinstance(input, BecomeCustomer):
        raise Refused("party.sealed_input", "A person is registered by plain data only.")
    person = RegisterPerson(
        input.name, input.id_number, input.phone, input.address, input.bank_card
    )
    sealed = seal_person(node, person)
    phone = rules.check_mobile(input.phone, identity_rules())
    customer = SealedCustomer(sealed.input, node.keys.index("login", phone))
    return Prepared(customer, sealed.subject_keys)


@use_case("party.become_customer", roles=("visitor",), api=True, prepare=seal_customer)
def become_customer(act: Act, input: BecomeCustomer | SealedCustomer) -> PartyRegistered:
    """Put the person behind the own login, who is registered unless known by number and phone.

    The phone is the one that the login was proved with. Refused: ``party.not_yours`` for who is
    not logged in, ``party.has_person``, ``party.phone_differs``, ``party.identity_taken``, and
    what ``seal_customer`` refuses.
    """
    assert isinstance(input, SealedCustomer), input
    if not act.actor.startswith("user-"):
        raise Refused("party.not_yours", "Only who has logged in can do this.")
    row = act.tx.one(tables.LOCK_USER, user_id=act.actor)
    user = read_user(act.tx, act.actor)
    if row is None or user.is_disabled:
        raise Refused("party.user_disabled", "This login was closed.")
    if user.party_id is not None:
        raise Refused("party.has_person", "Somebody is registered under this login already.")
    if row.login_digest != input.login_digest:
        raise Refused("party.phone_differs", "The phone is another one than you logged in with.")
    party_id = _known_party(act, input) or record_party(act, input.party)
    act.tx.put(session_tables.SET_USER_PARTY, of_user_id=user.id, new_party_id=party_id)
    act.emit("party.registered", party_id, {"kind": input.party.kind.value})
    return PartyRegistered(party_id)


def _known_party(act: Act, input: SealedCustomer) -> str | None:
    """The person whom the bank knows by this number already: only with the same phone, and
    only while nobody else logs in as them.
    """
    row = act.tx.one(tables.READ_BY_IDENTITY, digest=input.party.identity_digest)
    if row is None:
        return None
    party = take_party(act, party_of(row).id)
    phone = act.tx.one(session_tables.READ_PHONE, party_id=party.id)
    is_same = phone is not None and phone.digest == input.party.phone_digest
    if not is_same or act.tx.all(tables.READ_USERS_OF, party_id=party.id):
        raise Refused("party.identity_taken", "This identity number is registered already.")
    return party.id
