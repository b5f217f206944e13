"""What of an AG-UI client's request is believed: the caller's new words, and their decisions on what waits.

Such a client sends the whole conversation every time. The service has its own, and that one counts: of what is sent,
only the user's messages at the end are read, as far as they are new. What a client says that the assistant or a tool
has said is not read at all.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ag_ui.core import DeveloperMessage, Message, ResumeEntry, RunAgentInput, SystemMessage, UserMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import InputError
from api.wire import MAX_MESSAGE_CHARS, Json, read_content, read_message_id
from graphs.answers import AnswerError, read_edited
from graphs.messages import text_of
from trust.approvals import Verdict

MAX_INSTRUCTIONS = 20_000
MAX_RUN_ID = 200
MAX_ANSWERS = 200


@dataclass(frozen=True)
class Said:
    """The caller's new words. `replaces`: they are the last ones once more, to be answered anew."""

    text: str
    message_id: str | None
    replaces: str | None = None


def check_request(body: RunAgentInput) -> str:
    """The thread's id. Raises: InputError for what this service does not do."""
    if body.tools:
        raise InputError("tools", "is not supported: the copilot calls the service's own tools only")
    if body.context:
        raise InputError("context", "is not supported: say it in a message, or as an instruction in a system message")
    if len(body.resume or ()) > MAX_ANSWERS:
        raise InputError("resume", f"at most {MAX_ANSWERS} answers")
    if not 0 < len(body.run_id) <= MAX_RUN_ID:
        raise InputError("runId", f"expected 1 to {MAX_RUN_ID} characters")
    try:
        return str(uuid.UUID(body.thread_id))
    except ValueError:
        raise InputError("threadId", "expected a UUID") from None


def instructions_in(messages: Sequence[Message]) -> list[SystemMessage | DeveloperMessage]:
    """The messages that are the caller's instructions. Raises: InputError."""
    found = [one for one in messages if isinstance(one, SystemMessage | DeveloperMessage)]
    if sum(len(one.content) for one in found) > MAX_INSTRUCTIONS:
        raise InputError("messages", f"at most {MAX_INSTRUCTIONS} characters of instructions")
    return found


def read_said(messages: Sequence[Message], known: Sequence[Json], *, may_repeat: bool) -> Said | None:
    """What the user says at the end of `messages` that is not among the `known` ones of the service.

    If that is nothing, and the end is the user's last message as the service knows it, that one is said again, in the
    service's own copy of the words. None if there is nothing to be said. Raises: InputError.
    """
    kinds = {one["id"]: one["type"] for one in known}
    new: list[tuple[str, str | None]] = []
    for place, message in reversed(list(enumerate(messages))):
        if message.role in ("assistant", "tool"):
            break
        if not isinstance(message, UserMessage):
            continue
        if kinds.get(message.id) == "human":
            return _joined(new) or (_again(message.id, known) if may_repeat else None)
        if message.id in kinds:
            raise InputError(f"messages.{place}.id", "is the id of what was said in this conversation by others")
        new.insert(0, _read(message, f"messages.{place}"))
    return _joined(new)


def _read(message: UserMessage, where: str) -> tuple[str, str | None]:
    content = message.content
    plain = content if isinstance(content, str) else [one.model_dump(by_alias=True) for one in content]
    text = read_content(plain, where)
    if not text.strip():
        raise InputError(f"{where}.content", "the message is empty")
    return text, read_message_id(message.id, where)


def _joined(new: Sequence[tuple[str, str | None]]) -> Said | None:
    if not new:
        return None
    text = "\n".join(one for one, _ in new)
    if len(text) > MAX_MESSAGE_CHARS:
        raise InputError("messages", f"at most {MAX_MESSAGE_CHARS} characters, not {len(text)}")
    return Said(text, new[-1][1])


def _again(message_id: str, known: Sequence[Json]) -> Said:
    last = next(one for one in reversed(known) if one["type"] == "human")
    if last["id"] != message_id:
        raise InputError("messages", "only your last message in this conversation can be answered anew")
    return Said(text_of(last), message_id, replaces=message_id)


class _Payload(BaseModel):
    """A decision. Nothing in it is taken for a yes that is not `true`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    approved: bool
    digest: str
    edited: dict[str, Any] | None = Field(default=None, alias="editedArgs")
    reason: str | None = None


@dataclass(frozen=True)
class Resume:
    """Verdicts on what waits; empty if all that is answered was decided before and is only dismissed."""

    verdicts: Sequence[tuple[str, Verdict]]

    @property
    def is_withdrawal(self) -> bool:
        return all(verdict.kind == "recall" for _, verdict in self.verdicts)


def read_resume(entries: Sequence[ResumeEntry], waiting: Mapping[str, Json], closed: Collection[str]) -> Resume:
    """`waiting`: what the thread waits for, by id, as it is shown; `closed`: ids of its requests that are decided.

    Every request that waits has to be answered, each once. Raises: AnswerError.
    """
    ids = [one.interrupt_id for one in entries]
    if len(set(ids)) < len(ids):
        raise AnswerError("resume: answers one interrupt twice")
    missing = [one for one in waiting if one not in ids]
    if missing:
        raise AnswerError(f"resume: expected an answer to each that waits; {', '.join(missing)} has none")
    verdicts = []
    for place, entry in enumerate(entries):
        where = f"resume.{place}"
        shown = waiting.get(entry.interrupt_id)
        if shown is not None:
            verdicts.append((entry.interrupt_id, _read_entry(entry, shown, where)))
        elif entry.interrupt_id not in closed:
            raise AnswerError(f"{where}.interruptId: is not a request of this conversation")
        elif entry.status != "cancelled":
            raise AnswerError(f"{where}: this request was decided or withdrawn already; send it as cancelled to go on")
    return Resume(verdicts)


def _read_entry(entry: ResumeEntry, shown: Json, where: str) -> Verdict:
    if entry.status == "cancelled":
        if entry.payload is not None:
            raise AnswerError(f"{where}.payload: expected none with status cancelled")
        return Verdict("recall", shown["digest"])
    try:
        payload = _Payload.model_validate(entry.payload)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join([where, "payload", *(str(part)[:80] for part in fault["loc"])])
        raise AnswerError(f"{place}: {fault['msg'][:300]}") from None
    if not payload.approved:
        if payload.edited is not None:
            raise AnswerError(f"{where}.payload.editedArgs: expected with approved: true only")
        return Verdict("reject", payload.digest, payload.reason or None)
    if payload.reason is not None:
        raise AnswerError(f"{where}.payload.reason: expected with approved: false only")
    if payload.edited is None:
        return Verdict("approve", payload.digest)
    edited = read_edited(payload.edited, shown["arguments"], f"{where}.payload.editedArgs")
    return Verdict("edit", payload.digest, edited_arguments=edited)
