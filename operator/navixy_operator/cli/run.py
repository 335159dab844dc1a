"""``navixy-operator run``: the operator itself."""

import asyncio
import os
import signal
from typing import Final

import click
import structlog

from navixy_operator import service
from navixy_operator.adapters import logging_setup
from navixy_operator.adapters.masking import Masker
from navixy_operator.cli.common import FAILED
from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import OperatorError
from navixy_operator.settings import Settings

ENVIRONMENT: Final = """\b
Environment:
  WATCH_NAMESPACES  namespaces to serve, with commas between; * for all;
                    default: the namespace of the credentials
  HEALTH_PORT       port of /healthz and /readyz (8080)
  HEALTH_HOST       address of that port (0.0.0.0)
  LOG_LEVEL         DEBUG, INFO, WARNING or ERROR (INFO)
  LOG_FORMAT        json or console (json)
  POD_NAME          the name under which Events are posted and the lease is held
  LEASE_NAMESPACE   where the lease of the leader is;
                    default: the namespace of the credentials
  LEADER_ELECTION_SECONDS
                    after so long without a renewal by the leader another
                    replica takes over (15)
  AUDIT_DATABASE_URL
                    the audit trail's database: SQLite or, in production,
                    postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE;
                    default: the file audit.db in DATA_DIRECTORY
  AUDIT_DATABASE_URL_FILE
                    instead of it: a file that holds the URL, as a Secret is
                    mounted; one that is not there gives the default
  DATA_DIRECTORY    where that file is, and the spool of entries which cannot
                    be stored for the moment; its own for each replica
                    (~/.local/state/navixy-operator)
  AUDIT_SPOOL_MEGABYTES
                    how much of the disk the spool may take (64)
  ALERT_REPEAT_SECONDS
                    how often Alertmanager is told of an alert that lasts (60)
  KUBECONFIG        outside a pod: the cluster to use, as for kubectl
"""


@click.command(epilog=ENVIRONMENT)
def run() -> None:
    """Run the operator until it is told to stop (SIGTERM, SIGINT)."""
    settings = Settings.from_environment(os.environ)
    masker = logging_setup.configure(settings.log_level, json=settings.log_json)
    try:
        asyncio.run(_until_stopped(settings, masker))
    except OperatorError:
        raise
    except Exception:
        # not left to the interpreter: its traceback would be no line of the log, and pass the masks by
        log = structlog.get_logger("navixy_operator.service")
        log.exception(LogEvent.INTERNAL_ERROR)
        raise click.exceptions.Exit(FAILED) from None


async def _until_stopped(settings: Settings, masker: Masker) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)  # until kopf is up, which then takes the signals itself
    await service.serve(settings, stop=stop, masker=masker)
