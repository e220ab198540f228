"""How Alembic runs the migrations: on the connection that ``migrate`` opened."""

from __future__ import annotations

from alembic import context

from puhui.kernel.store import metadata


def run() -> None:
    """Run the migrations in one transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transaction_per_migration=False,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
