"""Reads of consents, webhooks and events: what partners ask beside loans."""

from __future__ import annotations

from puhui import data, webhook
from puhui.api import answers
from puhui.api.caller import Caller
from puhui.api.problem import Problem
from puhui.api.read.loan import check_count
from puhui.kernel import Node
from puhui.kernel.event import PAGE, events_after


def list_consents(node: Node, caller: Caller, asked: answers.PartyQuery) -> answers.ConsentsAnswer:
    """List a party's consents, newest first."""
    caller.check_sees(asked.party_id)
    with node.read() as tx:
        found = data.consents_of(node, tx, party_id=asked.party_id)
    return answers.ConsentsAnswer(
        asked.party_id,
        tuple(
            answers.ConsentItem(
                one.terms.consent_id,
                one.purpose,
                tuple(sorted(one.terms.fields)),
                one.terms.granted_us,
                one.terms.until_us,
                one.terms.revoked_us,
            )
            for one in found
        ),
    )


def list_own_endpoints(
    node: Node, caller: Caller, asked: answers.NothingQuery
) -> answers.EndpointsAnswer:
    """List the caller's own webhooks."""
    with node.read() as tx:
        found = webhook.list_endpoints(tx, owner=caller.actor.name)
    return answers.EndpointsAnswer(
        tuple(
            answers.EndpointItem(one.id, one.url, one.events, one.after_position, one.generation)
            for one in found
        )
    )


def list_events(node: Node, caller: Caller, asked: answers.EventsQuery) -> answers.EventsAnswer:
    """List the events of loans past a position of the journal, act by act."""
    count = check_count(asked.count)
    if asked.after < 0:
        raise Problem("api.bad_request", "after is not negative.")
    with node.read() as tx:
        found = events_after(tx, asked.after, count=PAGE)
    items = [
        answers.EventItem(
            one.position, one.event.name, one.time_us, one.event.subject, one.event.payload
        )
        for one in found
        if one.event.name in webhook.EVENT_NAMES
    ]
    # A page ends between two acts, so that going on after a position loses no event of it.
    shown = [
        one for one in items[:count] if len(items) <= count or one.position < items[count].position
    ]
    shown = shown or [one for one in items if one.position == items[0].position]
    if len(shown) < len(items):
        return answers.EventsAnswer(tuple(shown), shown[-1].position)
    is_full = len(found) == PAGE
    return answers.EventsAnswer(tuple(shown), found[-1].position if is_full else None)
