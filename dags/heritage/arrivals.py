"""The watch over the inbox."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from heritage.places import HOME

log = logging.getLogger(__name__)


class Arrivals(BaseEventTrigger):
    """Fires when complete batches wait that were not announced of late; an event names all that wait.

    It runs in the triggerer beside whatever else waits there, looks in a thread, and holds no worker.

    Args:
        seconds: between two looks.
        again_minutes: after which a batch that still waits is announced again, such as one whose intake found the
            disk full.
    """

    def __init__(self, seconds: float = 15.0, again_minutes: float = 30.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.again_minutes = again_minutes

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, by which the triggerer makes it anew."""
        return "heritage.arrivals.Arrivals", {"seconds": self.seconds, "again_minutes": self.again_minutes}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look for ever."""
        announcements, watched = _Announcements(self.again_minutes * 60), Watched()
        trouble = ""
        while True:
            try:
                waiting = await asyncio.to_thread(watched.batches)
            except Exception as error:  # whatever it is, the next look may succeed, and must come
                if str(error) != trouble:
                    log.warning("the inbox cannot be looked at; trying on: %s", error)
                trouble = str(error)
            else:
                trouble = ""
                if announcements.due(waiting, time.monotonic()):
                    yield TriggerEvent({"batches": sorted(waiting)})
            await asyncio.sleep(self.seconds)


class Watched:
    """The inboxes, kept from look to look while nobody changes the parameters, since they remember what they saw."""

    def __init__(self) -> None:
        self._parameters: Any = None
        self._inboxes: tuple[Any, ...] = ()

    def batches(self) -> list[str]:
        """Names of the complete batches that wait.

        Raises:
            PipelineError: an inbox cannot be looked into, and nothing waits in another.
        """
        from pipeline.core.parameters import load_parameters
        from pipeline.core.paths import Layout
        from pipeline.intake.inboxes import inboxes_of, look

        layout = Layout.of(HOME)
        parameters = load_parameters(layout.parameters).intake
        if parameters != self._parameters:
            self._parameters, self._inboxes = parameters, inboxes_of(layout, parameters)
        seen = look(self._inboxes, time.time())
        if seen.away and not seen.waiting:
            raise seen.away[0]
        return [one.batch for one in seen.waiting]


class _Announcements:
    """When which batch was announced."""

    def __init__(self, again_seconds: float) -> None:
        self._again_seconds = again_seconds
        self._times: dict[str, float] = {}

    def due(self, waiting: Collection[str], now: float) -> bool:
        """Whether a batch waits that was not announced of late; all that wait then count as announced."""
        self._times = {batch: at for batch, at in self._times.items() if batch in waiting}
        if all(now - self._times.get(batch, -float("inf")) < self._again_seconds for batch in waiting):
            return False
        self._times = dict.fromkeys(waiting, now)
        return True
