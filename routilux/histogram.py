"""Log-linear histogram of nanoseconds: 32 steps per octave, so a value is known within 1.6 %.

The layout is that of HdrHistogram (G. Tene), kept as a sparse ``dict[bin, count]``: merging adds,
and a window is the difference of two. One histogram has one writer; readers merge copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

STEPS = 32
_SHIFT = 5  # log2(STEPS)

Bins = dict[int, int]


def bin_of(value: int) -> int:
    """The bin of a value. The hot path has this inlined; a test keeps the two equal."""
    if value < 2 * STEPS:
        return max(value, 0)
    octave = value.bit_length() - _SHIFT - 1
    return (octave << _SHIFT) + (value >> octave)


def bounds(index: int) -> tuple[int, int]:
    """First and last value of a bin."""
    if index < 2 * STEPS:
        return index, index
    octave = (index >> _SHIFT) - 1
    low = (index - (octave << _SHIFT)) << octave
    return low, low + (1 << octave) - 1


def merge(shards: Iterable[Mapping[int, int]]) -> Bins:
    """The sum of several histograms."""
    total: Bins = {}
    for shard in shards:
        for index, count in shard.items():
            total[index] = total.get(index, 0) + count
    return total


def difference(new: Mapping[int, int], old: Mapping[int, int]) -> Bins:
    """What ``new`` has more than ``old``, where ``old`` is an earlier reading of the same."""
    return {i: n - old.get(i, 0) for i, n in new.items() if n > old.get(i, 0)}


def percentile(bins: Mapping[int, int], share: float) -> int | None:
    """The value, in nanoseconds, that ``share`` (0..1) of the samples do not exceed; None if empty.

    The middle of the bin is given, which halves the error to 1.6 %.
    """
    count = sum(bins.values())
    if not count:
        return None
    rank = max(1, -(-int(share * count * 1_000_000) // 1_000_000))
    seen = 0
    for index in sorted(bins):
        seen += bins[index]
        if seen >= rank:
            low, high = bounds(index)
            return (low + high) // 2
    raise AssertionError("unreachable: the counts add up")
