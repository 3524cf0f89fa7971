"""Automations: stale data, runs that fail, crash, fall silent, never start or never end, and a
worker that is gone, each told to people, as is a word that did not reach them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.automations import (
    Automation,
    AutomationCore,
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    DoNothing,
    EventTrigger,
    Posture,
)
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType

from workspace import declared, work_pool
from workspace.changes import Change
from workspace.schedules import longest_wait

PREFIX = "geodata: "  # automations of this name that are no longer declared are removed
Labels = dict[str, str | list[str]]
RUN: Labels = {"prefect.resource.id": "prefect.flow-run.*"}
POD: Labels = {"prefect.resource.id": "prefect.kubernetes.pod.*"}
NAMED: Labels = {"prefect.resource.name": work_pool.NAME}
POOL: Labels = {"prefect.resource.role": "work-pool", **NAMED}
OURS: Labels = {
    "prefect.resource.id": f"prefect.tag.{declared.TAG}",
    "prefect.resource.role": "tag",
}
# Parts of a rebuild wait for each other by hundreds: one word for all, where none of them starts.
PART: Labels = {"prefect.resource.name": "rebuild-edition", "prefect.resource.role": "deployment"}
NO_PART = PART | {"prefect.resource.name": "!rebuild-edition"}
AUTOMATION: Labels = {
    "prefect.resource.id": "prefect.automation.*",
    "prefect.resource.name": f"{PREFIX}*",
}
WEBHOOK: Labels = {
    "prefect.resource.id": "prefect.block-document.*",
    "prefect.resource.role": "block",
}
ENDED = {
    f"prefect.flow-run.{state}"
    for state in (
        "Completed",
        "Failed",
        "TimedOut",
        "Crashed",
        "Cancelling",
        "Cancelled",
        "AwaitingRetry",
    )
}
STARTED = ENDED | {"prefect.flow-run.Running", "prefect.flow-run.Scheduled"}

# At least three heartbeats (PREFECT_FLOWS_HEARTBEAT_FREQUENCY, 180 s), and longer than a pod that
# was moved takes to start again.
SILENCE = timedelta(minutes=15)
# The deadline of a run. Kubernetes' own (activeDeadlineSeconds) sends SIGTERM, which Prefect takes
# for an eviction and starts the run anew.
DEADLINE = timedelta(hours=6)
STALE = timedelta(days=1)  # after the moment at which the next scheduled run should have completed
# A pod may wait for a new node and for its image. Then it is not going to start by itself, and
# holds a slot of its queue for ever: prefect-kubernetes watches no pod's start.
START = timedelta(minutes=10)
# The same for a run whose job could not even make a pod (a quota, a policy of the namespace).
SUBMISSION = timedelta(minutes=20)
QUEUE = timedelta(minutes=30)  # for a worker, or for a slot behind runs that take long
AGAIN = timedelta(minutes=5)  # Prefect calls a webhook once, and gives up after five seconds

HAPPENED = (
    "flow.name ~ ', run ' ~ flow_run.name ~ ': ' ~ flow_run.state.name ~ '. ' ~"
    " (flow_run.state.message or '') ~ ' ' ~ (flow_run|ui_url or '')"
)


def set_up(client: SyncPrefectClient, webhook: UUID | None) -> list[Change]:
    """Create, correct or remove automations; one that is right is not touched, because a change
    restarts its window.
    """
    there: dict[str, list[Automation]] = defaultdict(list)
    for found in client.read_automations():
        there[found.name].append(found)
    wanted = {automation.name: automation for automation in automations(webhook)}
    changes = [_set_up(client, each, there[each.name][:1]) for each in wanted.values()]
    for name, others in there.items():
        if name.startswith(PREFIX):
            for found in others[name in wanted :]:  # a second one would tell everything twice
                client.delete_automation(found.id)
                changes.append(Change("automation", found.name, "removed"))
    return changes


def automations(webhook: UUID | None) -> Iterator[AutomationCore]:
    """Everything that is watched; without a webhook the automations are only seen in the Prefect
    UI.
    """
    yield _automation(
        "failed run",
        "A run ended in Failed or TimedOut.",
        _when("Failed", "TimedOut"),
        _tell(webhook, HAPPENED),
    )
    crashed = f"{HAPPENED} ~ ' The next run resumes from the archive.'"
    yield _automation(
        "crashed run",
        "A pod died: out of memory, evicted, lost with its node.",
        _when("Crashed"),
        _tell(webhook, crashed),
    )
    silent = _unless(
        {"prefect.flow-run.*"},
        SILENCE,
        after={"prefect.flow-run.heartbeat"},
        for_each={"prefect.resource.id"},
    )
    message = f"No sign of life for {SILENCE}: the pod or its node is gone."
    crash = ChangeFlowRunState(name=None, force=False, state=StateType.CRASHED, message=message)
    yield _automation(
        "silent run",
        "A run sends no heartbeat any more: its pod died without a word.",
        silent,
        crash,
    )
    overlong = _unless(
        ENDED, DEADLINE, after={"prefect.flow-run.Running"}, for_each={"prefect.resource.id"}
    )
    text = f"flow_run.name ~ ' did not end within {DEADLINE} and is cancelled. ' ~ flow_run|ui_url"
    yield _automation(
        "run without end",
        "A run passes its deadline: it is cancelled.",
        overlong,
        CancelFlowRun(),
        _tell(webhook, text),
    )
    yield from _starts(webhook)
    yield _lost_word(webhook)
    for deployment in declared.deployments():
        if deployment.get("schedules"):
            yield _stale(deployment, webhook)


def _starts(webhook: UUID | None) -> Iterator[AutomationCore]:
    """What keeps a run from its start: a pod that cannot, a job without one, a queue, no worker."""
    pod = _unless(
        {f"prefect.kubernetes.pod.{phase}" for phase in ("running", "succeeded", "failed")},
        START,
        after={"prefect.kubernetes.pod.pending"},
        for_each={"prefect.resource.id"},
        match=POD,
        related=[POOL],
    )
    reason = "event.resource.get('kubernetes.diagnosis') or 'no reason given'"
    text = (
        f"flow.name ~ ', run ' ~ flow_run.name ~ ': its pod did not start within {START} (' ~"
        f" ({reason}) ~ ') and is cancelled; the run has the whole reason in its log. ' ~"
        " flow_run|ui_url"
    )
    yield _automation(
        "pod without start",
        "The image cannot be pulled, or no node has room: the run is cancelled and its slot free.",
        pod,
        CancelFlowRun(),
        _tell(webhook, text),
    )
    pending = {"prefect.flow-run.Pending", "prefect.flow-run.InfrastructurePending"}
    submitted = _unless(STARTED, SUBMISSION, after=pending, for_each={"prefect.resource.id"})
    text = (
        "flow.name ~ ', run ' ~ flow_run.name ~ ': nothing of it started within"
        f" {SUBMISSION}, so it is cancelled. Look at its job: the namespace may refuse its pod. ' ~"
        " flow_run|ui_url"
    )
    yield _automation(
        "run without pod",
        "A run was submitted, and nothing of it ever started: it is cancelled.",
        submitted,
        CancelFlowRun(),
        _tell(webhook, text),
    )
    late = _unless(
        STARTED | pending,
        QUEUE,
        after={"prefect.flow-run.Late"},
        for_each={"prefect.resource.id"},
        related=[OURS, NO_PART],
    )
    text = (
        f"flow.name ~ ', run ' ~ flow_run.name ~ ' has waited {QUEUE} for a worker or a slot of its"
        " queue. It starts when there is one. ' ~ flow_run|ui_url"
    )
    yield _automation("late run", "A run waits for a worker or a slot.", late, _tell(webhook, text))
    none = _unless(
        STARTED - {"prefect.flow-run.Scheduled"},
        QUEUE,
        after={"prefect.flow-run.Late"},
        related=[OURS, PART],
    )
    text = (
        f"'Parts of a rebuild wait, and none has started or ended for {QUEUE}: is a queue paused?'"
    )
    yield _automation(
        "late parts", "Of a rebuild's parts that wait none starts.", none, _tell(webhook, text)
    )
    gone = EventTrigger(
        expect={"prefect.work-pool.not-ready"},
        match={"prefect.resource.id": "prefect.work-pool.*", **NAMED},
        posture=Posture.Reactive,
        threshold=1,
    )
    text = f"'No worker of {work_pool.NAME} is heard any more: no run starts until one is.'"
    yield _automation("worker gone", "The pool has no worker.", gone, _tell(webhook, text))


def _lost_word(webhook: UUID | None) -> AutomationCore:
    """What tells of a word that did not arrive; its own word is one too, until one arrives."""
    lost = _unless(
        {"prefect.automation.deleted"},  # nothing else is waited for than the time
        AGAIN,
        after={"prefect.automation.action.failed"},
        for_each={"prefect.resource.id"},
        match=AUTOMATION,
        related=[WEBHOOK],
    )
    text = (
        "'A word of ' ~ event.resource.get('prefect.resource.name') ~ ' did not reach you: ' ~"
        " event.payload.get('reason') ~ '. Look what it was about: ' ~"
        " (event.resource|ui_resource_events_url or '')"
    )
    return _automation(
        "lost word",
        f"The webhook was not reached: people are told of it after {AGAIN}, again until it is.",
        lost,
        _tell(webhook, text),
    )


def _stale(deployment: dict[str, Any], webhook: UUID | None) -> AutomationCore:
    name, window = deployment["name"], longest_wait(deployment["schedules"]) + STALE
    by_name: Labels = {"prefect.resource.name": name, "prefect.resource.role": "deployment"}
    trigger = _unless({"prefect.flow-run.Completed"}, window, related=[OURS, by_name])
    text = (
        f"'No run of {name} has completed for {window.days} days: its data are stale, or nothing"
        " watches them.'"
    )
    return _automation(
        f"stale {name}",
        "No completed run although one was scheduled.",
        trigger,
        _tell(webhook, text),
    )


def _when(*states: str) -> EventTrigger:
    events = {f"prefect.flow-run.{state}" for state in states}
    return EventTrigger(
        expect=events, match=RUN, match_related=[OURS], posture=Posture.Reactive, threshold=1
    )


def _unless(
    expect: set[str],
    within: timedelta,
    after: set[str] | None = None,
    for_each: set[str] | None = None,
    match: Labels = RUN,
    related: list[Any] | None = None,
) -> EventTrigger:
    return EventTrigger(
        after=after or set(),
        expect=expect,
        match=match,
        match_related=related or [OURS],
        for_each=for_each or set(),
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )


def _tell(webhook: UUID | None, expression: str) -> CallWebhook | DoNothing:
    """The text is a Jinja expression: as JSON it survives the quotes and line ends of an error's
    message.
    """
    payload = f'{{"text": {{{{ ({expression})|tojson }}}}}}'
    return CallWebhook(block_document_id=webhook, payload=payload) if webhook else DoNothing()


def _automation(
    name: str, description: str, trigger: EventTrigger, *actions: Any
) -> AutomationCore:
    return AutomationCore(
        name=PREFIX + name, description=description, trigger=trigger, actions=list(actions)
    )


def _set_up(client: SyncPrefectClient, wanted: AutomationCore, found: list[Automation]) -> Change:
    if not found:
        client.create_automation(wanted)
        return Change("automation", wanted.name, "created")
    wanted.enabled = found[0].enabled  # a person's pause stays
    if facts(found[0]) == facts(wanted):
        return Change("automation", wanted.name, "unchanged")
    client.update_automation(found[0].id, wanted)
    return Change("automation", wanted.name, "updated")


def facts(automation: AutomationCore) -> dict[str, Any]:
    """What an automation does, without what the server adds to it."""
    whole = automation.model_dump(exclude={"id", "owner_resource"})
    whole["trigger"].pop("id", None)
    return whole
