"""Reading many records: the same from a plain sequence and from a ring that packs them."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.model.causing import Paper
from tui.model.causality import Causality
from tui.model.chain import chain_of
from tui.model.log import ACTIVATION, GENERATION
from tui.model.reading import begin_of, column, distinct, overlapping, tail
from tui.session.messages import RecordTuple


class Packed(list[RecordTuple]):
    """What a packed ring offers."""

    first = 40  # positions do not begin at nought

    def column(self, field: int) -> array[int]:
        return array("q", (record[field] for record in self))  # type: ignore[misc]

    def since(self, position: int) -> Iterable[RecordTuple]:
        return iter(self[position - self.first :])


def paper() -> Paper:
    made = Paper()
    node = made.run(None, [(5, 100)])
    for n in range(20):
        node = made.run(node, [(n, 50), (n, 50)], after=20, worker=n % 3, wait_before_retry=7)
    return made


@given(st.integers(0, 3_000), st.integers(0, 1_000))
def test_all_ways_read_the_same(begin: int, length: int) -> None:
    records = paper().sorted()
    for kept in (deque(records), Packed(records)):
        assert overlapping(kept, begin, begin + length) == overlapping(
            records, begin, begin + length
        )
        assert list(tail(kept, 7)) == records[7:]
        assert column(kept, ACTIVATION) == column(records, ACTIVATION)
        assert distinct(kept, GENERATION) == {1}
        assert begin_of(kept, begin) == begin_of(records, begin)


def test_a_chain_is_the_same_from_any() -> None:
    made = paper()
    records = made.sorted()
    wanted = chain_of(Causality(records, 1, made), records[-1])
    for kept in (deque(records), Packed(records)):
        index = Causality(kept, 1, made)
        assert chain_of(index, records[-1]) == wanted
        assert index.concurrent_with(records[-1]) == Causality(records, 1).concurrent_with(
            records[-1]
        )


def test_records_that_came_late_are_not_passed_over() -> None:
    second = 1_000_000_000
    records = [(n, time, 1) for n, time in enumerate((1, 5, 9, 8, 12))]
    late = [(n, t * second // 2, 1) for n, t, _ in records]
    assert begin_of(late, 9 * second // 2) <= 2  # type: ignore[arg-type]
