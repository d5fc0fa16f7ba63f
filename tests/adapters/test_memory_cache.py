"""The cache in this process's memory: what goes first, and when."""

from set_clock import Clock

from app.adapters.caches.memory_cache import MemoryCache


async def test_the_one_not_used_for_longest_goes_first() -> None:
    cache = MemoryCache(2, 60)
    await cache.put("a", b"1")
    await cache.put("b", b"2")
    await cache.get("a")
    await cache.put("c", b"3")
    assert [await cache.get(key) for key in "abc"] == [b"1", None, b"3"]


async def test_putting_again_counts_as_use() -> None:
    cache = MemoryCache(2, 60)
    for key in "aba":
        await cache.put(key, key.encode())
    await cache.put("c", b"c")
    assert [await cache.get(key) for key in "abc"] == [b"a", None, b"c"]


async def test_it_never_holds_more_than_its_bound() -> None:
    cache = MemoryCache(10, 60)
    for number in range(1000):
        await cache.put(str(number), b"value")
        assert len(cache._entries) <= 10
    assert await cache.get("999") == b"value"


async def test_values_live_for_nine_tenths_of_the_time_to_live_at_least() -> None:
    clock = Clock()
    cache = MemoryCache(100, 10, clock=clock)
    keys = [str(number) for number in range(50)]
    for key in keys:
        await cache.put(key, b"value")
    clock.now = 8.99
    assert all([await cache.get(key) for key in keys])
    clock.now = 10
    assert 10 < sum([await cache.get(key) is not None for key in keys]) < 40
    clock.now = 11
    assert not any([await cache.get(key) for key in keys])
    assert not cache._entries


async def test_reading_does_not_prolong_a_life_and_writing_does() -> None:
    clock = Clock()
    cache = MemoryCache(100, 10, clock=clock)
    await cache.put("read", b"value")
    await cache.put("written", b"value")
    clock.now = 8
    await cache.get("read")
    await cache.put("written", b"value")
    clock.now = 12
    assert await cache.get("read") is None
    assert await cache.get("written") == b"value"
