"""Commands about what was told and what could not be done: alerts, dead-letters, receive."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import typer
from pydantic import SecretStr

from pipeline.cli.session import (
    DEFAULT_CONFIG,
    ConfigOption,
    IdArgument,
    JsonOption,
    an_id,
    log_quietly,
    settings_from,
    stop_on_signals,
    store_of,
)
from pipeline.cli.tally import clean
from pipeline.errors import ConfigError, WirewatchError

alerts = typer.Typer(no_args_is_help=True, help="What was told: list, show, replay.")
dead_letters = typer.Typer(no_args_is_help=True, help="What was set aside: list, retry.")


def register(app: typer.Typer) -> None:
    app.add_typer(alerts, name="alerts")
    app.add_typer(dead_letters, name="dead-letters")
    app.command()(receive)


@alerts.command("list")
def list_alerts(
    config: ConfigOption = DEFAULT_CONFIG, *, limit: Annotated[int, typer.Option(min=1)] = 50, as_json: JsonOption = False
) -> None:
    """The newest alerts, and how their deliveries stand."""
    from itertools import islice

    import orjson
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from pipeline.cli.records import alert_record

    log_quietly()
    outbox = store_of(settings_from(config)).outbox
    found = [(alert, outbox.deliveries([alert.id])) for alert in islice(outbox.alerts(), limit)]
    if as_json:
        for alert, deliveries in found:
            print(orjson.dumps(alert_record(alert, deliveries)).decode())
        return
    table = Table(Column("alert", no_wrap=True), "watch", "at (UTC)", "stories", "deliveries", "title", box=None)
    for alert, deliveries in found:
        state = ", ".join(f"{delivery.webhook}: {delivery.status}" for delivery in deliveries) or "no webhook"
        title = Text(clean(alert.title, 80))
        table.add_row(alert.id, alert.watch, f"{alert.created_at:%Y-%m-%d %H:%M:%S}", str(len(alert.story_ids)), state, title)
    Console().print(table if found else "No alerts yet.")


@alerts.command()
def show(alert_id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
    """Why an alert fired, and every attempt to deliver it."""
    import orjson

    from pipeline.cli.records import alert_record

    log_quietly()
    outbox = store_of(settings_from(config)).outbox
    for alert in outbox.alerts([alert_id]):
        record = alert_record(alert, outbox.deliveries([alert_id]))
        record |= {"title": alert.title, "url": alert.url, "evidence": [proof._asdict() for proof in alert.evidence]}
        print(orjson.dumps(record, option=0 if as_json else orjson.OPT_INDENT_2).decode())
        return
    raise WirewatchError(f"There is no alert {clean(alert_id)}; wirewatch alerts list shows those there are.")


@alerts.command()
def replay(
    alert_ids: Annotated[list[str] | None, typer.Argument(help="Alerts to send again.", parser=an_id)] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Every delivery that was given up.")] = False,
) -> None:
    """Send alerts again, under the same webhook-id: a receiver that has seen one can tell."""
    from pipeline.alerts.schedule import revived
    from pipeline.clock import utc_now
    from pipeline.jobs.deliver import letter_id

    if not alert_ids and not failed:
        raise ConfigError("alerts replay: name the alerts, or say --failed")
    log_quietly()
    store = store_of(settings_from(config))
    outbox = store.outbox
    known = [alert.id for alert in outbox.alerts(alert_ids or None)]
    if missing := set(alert_ids or ()) - set(known):
        raise WirewatchError(
            f"There is no alert {', '.join(map(clean, sorted(missing)))}; wirewatch alerts list shows those there are."
        )
    again = [delivery for delivery in outbox.deliveries(known) if alert_ids or delivery.status == "dead"]
    letters = store.dead_letters.list([letter_id(delivery) for delivery in again])
    outbox.record([revived(delivery, utc_now()) for delivery in again])
    store.dead_letters.remove(letters)
    print(f"{len(again)} deliveries are due again; wirewatch run sends them.")


@dead_letters.command("list")
def list_letters(config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
    """What was set aside, and why."""
    import orjson
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    log_quietly()
    letters = store_of(settings_from(config)).dead_letters.list()
    if as_json:
        for letter in letters:
            record = letter._asdict() | {"payload": len(letter.payload)}
            print(orjson.dumps(record).decode())
        return
    table = Table(Column("id", no_wrap=True), "stage", "at (UTC)", "about", "why", box=None)
    for letter in letters:
        about, why = Text(clean(letter.about, 100)), Text(clean(letter.error, 200))
        table.add_row(letter.id, letter.stage, f"{letter.at:%Y-%m-%d %H:%M}", about, why)
    Console().print(table if letters else "Nothing was set aside.")


@dead_letters.command()
def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Letters to send through again; all where none is named.", parser=an_id)
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send what was set aside through again; what fails again comes back."""
    from pipeline.clock import utc_now
    from pipeline.jobs.letters import send_again

    log_quietly()
    store = store_of(settings_from(config))
    letters = store.dead_letters.list(ids or None)
    if missing := set(ids or ()) - {letter.id for letter in letters}:
        raise WirewatchError(
            f"There is no dead letter {', '.join(map(clean, sorted(missing)))}; wirewatch dead-letters list shows them."
        )
    sent, refused = send_again(letters, store, utc_now())
    print(f"{sent} sent through again: wirewatch run takes them up. {refused} were refused again.")
    if lost := [letter for letter in letters if not letter.payload]:
        print("Of these the content was not kept; run wirewatch backfill on their files once they are mended:")
        for letter in lost:
            print(f"  {clean(letter.about, 300)}: {clean(letter.error, 200)}")
    raise typer.Exit(1 if refused else 0)


def receive(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Be this configuration's webhook: its secret, and its address where local."),
    ] = None,
    webhook: Annotated[str | None, typer.Option(help="Which of its webhooks; not needed where there is one.")] = None,
    secret: Annotated[
        str, typer.Option(envvar="WIREWATCH_SECRET", help="The webhook's secret; better in the environment.", show_envvar=True)
    ] = "",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="8900 where nothing says otherwise.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; 127.0.0.1 where nothing says otherwise.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Listen for webhooks, verify and print them."""
    import orjson

    from pipeline.demo.receiver import Received, run_receiver

    end = _End(SecretStr(secret)) if config is None else _end_of(config, webhook)
    end = _End(SecretStr(secret) if secret else end.secret, host or end.host, port or end.port)
    if not end.secret.get_secret_value():
        raise ConfigError("receive: it needs the webhook's secret: name a configuration (-c), or set WIREWATCH_SECRET")
    os.environ.pop("WIREWATCH_SECRET", None)

    def tell(received: Received) -> None:
        if as_json:
            print(orjson.dumps(received._asdict(), default=str).decode(), flush=True)
        elif received.is_verified:
            watch, title, proofs = _told(received.payload or {})
            print(f"verified  {clean(received.id)} attempt {received.attempt}  {watch}: {title}", flush=True)
            for proof in proofs:
                print(f"          “{proof}”", flush=True)
        else:
            print(f"REFUSED   {clean(received.id)}: {clean(received.error)}", flush=True)

    stop = stop_on_signals()
    shown = f"[{end.host}]" if ":" in end.host else end.host

    def listening() -> None:
        print(f"Listening on http://{shown}:{end.port}/ until stopped.", file=sys.stderr, flush=True)

    run_receiver(end.host, end.port, end.secret, tell, stop, listening)


def _told(payload: dict[str, object]) -> tuple[str, str, list[str]]:
    """Watch, title and evidence of a message that is signed, and may say anything."""
    data = payload.get("data")
    told = data if isinstance(data, dict) else {}
    story, proofs = told.get("story"), told.get("evidence")
    title = story.get("title") if isinstance(story, dict) else None
    texts = [proof.get("text") for proof in proofs if isinstance(proof, dict)] if isinstance(proofs, list) else []
    return clean(told.get("watch")), clean(title), [clean(text) for text in texts]


class _End(NamedTuple):
    """Where webhooks arrive, and what they are signed with."""

    secret: SecretStr
    host: str = "127.0.0.1"
    port: int = 8900


def _end_of(config: Path, name: str | None) -> _End:
    """The end of the configuration's webhook `name`, or its only one; its address where that is on this machine."""
    webhooks = settings_from(config).webhooks
    if name is None and len(webhooks) == 1:
        (name,) = webhooks
    if name is None or name not in webhooks:
        known = ", ".join(webhooks) or "none"
        raise ConfigError(f"receive: say which webhook of {config} to be: --webhook, one of those it has ({known})")
    address = urlsplit(webhooks[name].url)
    if address.hostname in ("127.0.0.1", "::1", "localhost") and address.port:
        return _End(webhooks[name].secret, "127.0.0.1" if address.hostname == "localhost" else address.hostname, address.port)
    return _End(webhooks[name].secret)
