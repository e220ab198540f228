"""What writers remember of rows that others may change: lent to one of them at a time."""

from __future__ import annotations

from puhui.kernel.store.memory import DISTRUSTED, Memory


def test_one_has_it_at_a_time() -> None:
    memory = Memory()
    lent = memory.lend()
    assert lent is not None
    lent.known[int], lent.fresh[str] = 1, 2
    assert memory.lend() is None
    memory.give_back(lent)
    again = memory.lend()
    assert again is lent
    assert (again.known, again.fresh) == ({int: 1}, {str: 2})


def test_what_somebody_changes_is_forgotten_and_what_never_changes_is_not() -> None:
    memory = Memory()
    for is_lent in (False, True):
        lent = memory.lend()
        assert lent is not None
        lent.known[int], lent.fresh[str] = 1, 2
        if is_lent:
            memory.change()
        memory.give_back(lent)
        if not is_lent:
            memory.change()
        found = memory.lend()
        assert found is not None
        assert (found.known, found.fresh) == ({int: 1}, {})
        memory.give_back(found)


def test_of_what_was_undone_nothing_is_kept() -> None:
    memory = Memory()
    lent = memory.lend()
    assert lent is not None
    lent.known[int], lent.fresh[str] = 1, 2
    memory.change()
    memory.drop()
    found = memory.lend()
    assert found is not None
    assert (found.known, found.fresh) == ({}, {})
    found.fresh[str] = 3
    memory.give_back(found)
    assert memory.lend() is found
    assert found.fresh == {str: 3}


def test_who_remembered_wrongly_reads_and_locks_for_a_while() -> None:
    memory = Memory()
    lent = memory.lend()
    assert lent is not None
    lent.known[int], lent.fresh[str] = 1, 2
    memory.give_back(lent)
    memory.distrust()
    assert [memory.lend() for _ in range(DISTRUSTED)] == [None] * DISTRUSTED
    found = memory.lend()
    assert found is not None
    assert (found.known, found.fresh) == ({int: 1}, {})
    memory.give_back(found)
    assert memory.lend() is found


def test_with_a_new_server_all_is_forgotten_also_what_is_lent() -> None:
    for is_lent in (False, True):
        memory = Memory()
        lent = memory.lend()
        assert lent is not None
        lent.known[int], lent.fresh[str] = 1, 2
        if is_lent:
            memory.start_anew()
        memory.give_back(lent)
        if not is_lent:
            memory.start_anew()
        found = memory.lend()
        assert found is not None
        assert (found.known, found.fresh) == ({}, {})
        found.fresh[str] = 3
        memory.give_back(found)
        assert memory.lend() is found
