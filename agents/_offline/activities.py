"""Proposes tasks, calls, comments and e-mails, linked to the records they name."""

from agents._offline import compose
from agents._offline.drafts import write_draft
from agents._offline.memory import Known
from agents._offline.request import Reference, Request
from agents._offline.resolve import AskError, GiveUpError, Steps
from agents._offline.sends import find_draft
from agents._offline.work import Work, enumerate_all


def create_task(work: Work, request: Request) -> Steps[str]:
    work.need("create_task", "create tasks")
    if not request.text:
        raise AskError("What should the task be about?", slot="text")
    who, related, missing = yield from _links(work, request)
    outcome = (
        yield [
            work.toolbox.call(
                "create_task",
                subject=request.text,
                due_date=request.day,
                related_to_id=related,
                who_id=who,
                priority=request.priority,
            )
        ]
    )[0]
    return work.applied(outcome, "Created task" if outcome.ok else "Creating the task") + missing


def log_call(work: Work, request: Request) -> Steps[str]:
    work.need("log_call", "log calls")
    who, related, missing = yield from _links(work, request)
    if who is None and related is None and not missing and request.text == "Call":
        raise AskError("With whom was the call?", slot="text")
    outcome = (
        yield [
            work.toolbox.call(
                "log_call",
                subject=request.text,
                notes=request.note or None,
                related_to_id=related,
                who_id=who,
                called_on=request.day,
            )
        ]
    )[0]
    return work.applied(outcome, "Logged" if outcome.ok else "Logging the call") + missing


def _links(work: Work, request: Request) -> Steps[tuple[str | None, str | None, str]]:
    """Ids of the person and the record a text names, and a note about names that were not found."""
    who = related = None
    missing: list[str] = []
    references = [
        *request.people,
        *([request.target] if request.target else []),
        *([request.scope] if request.scope else []),
    ]
    for reference in references:
        try:
            record = yield from work.resolve(reference)
        except GiveUpError:
            missing.append(reference.text or reference.number)
            continue
        if record.object in ("Contact", "Lead"):
            who = who or record.record_id
        else:
            related = related or record.record_id
    quoted = [f'"{compose.escape(name)}"' for name in missing if name]
    note = f"\n\nI found no record for {enumerate_all(quoted)}, so it is not linked." if quoted else ""
    return who, related, note


def comment(work: Work, request: Request) -> Steps[str]:
    work.need("add_case_comment", "comment on cases")
    record = yield from work.resolve(request.target or Reference(pronoun="the"), ("Case",))
    if record.object != "Case":
        raise GiveUpError(
            f"I can only comment on cases, and {compose.cite(record, work.memory)} is a"
            f" {compose.say_object(record.object)}."
        )
    if not request.note:
        raise AskError(f"What should the comment on {compose.cite(record, work.memory)} say?", slot="note")
    outcome = (
        yield [
            work.toolbox.call(
                "add_case_comment", case_id=record.record_id, body=request.note, published=request.published
            )
        ]
    )[0]
    kind = "public" if request.published else "internal"
    return work.applied(
        outcome, f"Added {kind} comment" if outcome.ok else f"Commenting on {compose.cite(record, work.memory)}"
    )


def draft(work: Work, request: Request) -> Steps[str]:
    work.need("create_draft", "draft e-mails")
    record = None
    if request.target or request.scope:
        record = yield from work.resolve(request.target or request.scope or Reference())
    person = None
    if request.people:
        person = yield from work.resolve(request.people[0], ("Contact", "Lead"))
    elif record and record.details.get("ContactId"):
        person = Known(
            "Contact", str(record.details["ContactId"]), work.memory.name_of(str(record.details["ContactId"]))
        )
    elif record is None:
        record = _recent_subject(work)
    if person is None and record is None:
        raise AskError("To whom should the e-mail go?", slot="target", key="recipient")
    if person and record is None:
        record = _recent_subject(work, person)
    about = record or person
    subject, body = write_draft(request, person, record if record is not person else None, work.briefing.caller)
    outcome = (
        yield [
            work.toolbox.call(
                "create_draft",
                record_id=about.record_id if about else "",
                recipient_id=person.record_id if person else None,
                subject=subject,
                body=body,
            )
        ]
    )[0]
    if not outcome.ok:
        return work.applied(outcome, "Saving the draft")
    return f"{work.applied(outcome, 'Drafted, not sent')}\n\n> Subject: {compose.escape(subject)}\n>\n" + "\n".join(
        f"> {compose.escape(line)}" for line in body.splitlines()
    )


def send(work: Work, request: Request) -> Steps[str]:
    work.need("send_email", "send e-mails")
    draft = yield from find_draft(request, work.toolbox, work.memory, work.resolve)
    outcome = (yield [work.toolbox.call("send_email", draft_id=draft.record_id)])[0]
    said = compose.cite(draft, work.memory)
    return work.applied(outcome, "Handed over to be delivered" if outcome.ok else f"Sending {said}")


def _recent_subject(work: Work, person: Known | None = None) -> Known | None:
    """The case or opportunity last spoken of, if it belongs with the person."""
    record = work.memory.find(Reference(pronoun="it", objects=("Case", "Opportunity")))
    if record is None or person is None:
        return record
    linked = person.record_id == record.details.get("ContactId")
    account = record.details.get("AccountId")
    return record if linked or (account and account == person.details.get("AccountId")) else None
