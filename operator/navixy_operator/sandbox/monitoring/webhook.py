"""A webhook for Alertmanager, in this process: it keeps what it is sent, and lets one wait for it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Self

from aiohttp import web

from navixy_operator.sandbox.errors import ProcessError
from navixy_operator.sandbox.loopback import LOOPBACK
from navixy_operator.sandbox.monitoring.answers import Notification

SHUTDOWN_SECONDS: Final = 0.5


class WebhookReceiver:
    """Listens on a free port as long as the asynchronous context, in the loop that entered it."""

    def __init__(self) -> None:
        self._notifications: list[Notification] = []
        self._news = asyncio.Condition()
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Where Alertmanager shall send to."""
        if self._runner is None:
            message = "the webhook does not run"
            raise ProcessError(message)
        return f"http://{LOOPBACK}:{self._runner.addresses[0][1]}/"

    @property
    def notifications(self) -> Sequence[Notification]:
        """All that came so far, oldest first."""
        return tuple(self._notifications)

    async def until(
        self, right: Callable[[Sequence[Notification]], bool], *, seconds: float = 30.0
    ) -> Sequence[Notification]:
        """Wait until what came so far is right, and give it.

        Raises:
            TimeoutError: it never was; the text tells what came.
        """
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: right(self.notifications))
                return self.notifications
        except TimeoutError:
            came = "; ".join(map(_told, self._notifications)) or "none"
            message = f"not right within {seconds:.0f} s; notifications: {came}"
            raise TimeoutError(message) from None

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._keep, access_log=None), shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _keep(self, request: web.BaseRequest) -> web.StreamResponse:
        notification = Notification.model_validate_json(await request.read())
        async with self._news:
            self._notifications.append(notification)
            self._news.notify_all()
        return web.Response()


def _told(notification: Notification) -> str:
    alerts = (f"{alert.labels['alertname']} {alert.status}" for alert in notification.alerts)
    return ", ".join(alerts)
