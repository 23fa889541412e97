"""Places, and who gets them."""

import asyncio

from pipeline.alerts.lanes import Lanes


async def hold(lanes: Lanes, webhook: str, holding: list[str], until: asyncio.Event) -> None:
    async with lanes.place(webhook):
        holding.append(webhook)
        await until.wait()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def holders(lanes: Lanes, webhooks: list[str]) -> list[str]:
    """Who gets a place where all ask at once and nobody leaves."""
    holding: list[str] = []
    until = asyncio.Event()
    tasks = [asyncio.create_task(hold(lanes, webhook, holding, until)) for webhook in webhooks]
    await settle()
    got = list(holding)
    until.set()
    await asyncio.gather(*tasks)
    return got


async def trust(lanes: Lanes, webhook: str) -> None:
    async with lanes.place(webhook) as lane:
        lane.is_trusted = True


async def test_a_webhook_nobody_knows_yet_is_sent_one_at_a_time():
    """Until an attempt went well a webhook holds one place, however many deliveries it has."""
    assert await holders(Lanes(places=64, width=8), ["dead"] * 50 + ["good"]) == ["dead", "good"]


async def test_a_trusted_webhook_has_its_width():
    """After an attempt that went well a webhook holds up to its width."""
    lanes = Lanes(places=64, width=3)
    await trust(lanes, "good")
    assert await holders(lanes, ["good"] * 10) == ["good"] * 3


async def test_all_together_hold_no_more_than_the_places():
    """The shared places are a limit whatever the lanes would allow."""
    lanes = Lanes(places=4, width=3)
    await trust(lanes, "a")
    await trust(lanes, "b")
    assert len(await holders(lanes, ["a", "b"] * 5)) == 4


async def test_everybody_gets_a_turn():
    """Who waits is let in as others leave, and nothing is held afterwards."""
    lanes = Lanes(places=2, width=2)
    done: list[int] = []

    async def one(number: int) -> None:
        async with lanes.place(f"webhook-{number % 3}") as lane:
            await asyncio.sleep(0)
            lane.is_trusted = number % 2 == 0
            done.append(number)

    await asyncio.gather(*(one(number) for number in range(30)))
    assert sorted(done) == list(range(30))


async def test_who_gives_up_waiting_leaves_no_trace():
    """A cancelled wait holds no place."""
    lanes = Lanes(places=1, width=1)
    until = asyncio.Event()
    first = asyncio.create_task(hold(lanes, "a", [], until))
    second = asyncio.create_task(hold(lanes, "b", [], until))
    await settle()
    second.cancel()
    until.set()
    await asyncio.gather(first, second, return_exceptions=True)
    assert await holders(lanes, ["b"]) == ["b"]
