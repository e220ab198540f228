"""``puhui months``: a county that was founded some time ago, with the days that have passed."""

from __future__ import annotations

from typing import Annotated

import typer

from puhui.cli import say

DAY_US = 86_400_000_000


def months(
    days: Annotated[
        int, typer.Option(min=1, max=400, help="How many days ago the county was founded.")
    ] = 400,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Found the demo county some days ago and let the days pass: loans age, some are not paid.

    Needs an empty PUHUI_HOME. Every day is closed through the ordinary acts: instalments fall due,
    wallets are debited, arrears are worked on, months end with provisions. All of it is synthetic.
    Afterwards puhui serve shows a book with arrears, tasks, classes, provisions and vintages.

    More is lent each month, so that 400 days leave thirteen vintages. --days 100 is quicker.

    Example: PUHUI_HOME=var-aged puhui months
    """
    from puhui import demo
    from puhui.demo.window import let_months_pass
    from puhui.kernel.clock import FixedClock, SystemClock
    from puhui.kernel.errors import Refused
    from puhui.node import home_folder, open_node, take_core

    home = home_folder()
    if (home / "puhui.sqlite").exists():
        raise Refused("demo.not_empty", f"{home} holds a node already; name another PUHUI_HOME.")
    take_core(home)
    clock = FixedClock(SystemClock().now_us() - days * DAY_US)
    node = open_node(home, clock=clock)
    try:
        with say.progress() as step:
            county = demo.seed_county(node, progress=step)
            day = demo.play_first_day(node, county, progress=step)
            passed = let_months_pass(node, clock, county, day, days=days, progress=step)
        customers = demo.open_customers(node, county, day)
        logins = (*demo.demo_logins(node), *customers)
    finally:
        node.close()
    say.line(
        f"{passed.days} days are closed: {passed.past_due} loans are past due, {passed.tasks} "
        f"tasks wait, {passed.reliefs} people have asked for relief."
    )
    say.table(
        ("login", "password", "role"),
        [(one.login, one.password or "a code, shown on the page", one.role) for one in logins],
    )
    say.line("Go on with: puhui serve")
    if as_json:
        say.figures(
            {
                "days": passed.days,
                "past_due": passed.past_due,
                "tasks": passed.tasks,
                "reliefs": passed.reliefs,
                "later_loans": passed.later_loans,
            }
        )
