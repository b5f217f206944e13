"""The shapes of the Agent2Agent protocol, in its versions 0.3 and 1.0: the same task, said in two ways."""

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Version = Literal["0.3", "1.0"]
State = Literal["submitted", "working", "input-required", "completed", "canceled", "failed"]
Method = Literal["send", "stream", "get", "cancel"]

METHODS: dict[str, tuple[Method, Version]] = {
    "message/send": ("send", "0.3"),
    "message/stream": ("stream", "0.3"),
    "tasks/get": ("get", "0.3"),
    "tasks/cancel": ("cancel", "0.3"),
    "SendMessage": ("send", "1.0"),
    "SendStreamingMessage": ("stream", "1.0"),
    "GetTask": ("get", "1.0"),
    "CancelTask": ("cancel", "1.0"),
}
OPEN: tuple[State, ...] = ("submitted", "working", "input-required")

PARSE, INVALID, NO_METHOD, PARAMS, REFUSED = -32700, -32600, -32601, -32602, -32000
NO_TASK, NOT_CANCELABLE, UNSUPPORTED, CONTENT = -32001, -32002, -32004, -32005
MAX_ID = 100


class RpcError(Exception):
    """What a call is answered with in place of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class TaskView:
    """How a task stands: a turn of a conversation, with what was said and what waits."""

    thread_id: str
    run_id: str
    state: State
    at: str
    answer: str = ""
    note: str = ""
    """What has to be done by a person, or what went wrong."""

    @property
    def task_id(self) -> str:
        return f"{self.thread_id}.{self.run_id}"

    def status(self, version: Version) -> Json:
        """The state, with the note as a message of the agent's."""
        shown: Json = {"state": _state(self.state, version), "timestamp": self.at}
        return shown | ({"message": self._message(version)} if self.note else {})

    def task(self, version: Version) -> Json:
        whole = {"id": self.task_id, "contextId": self.thread_id, "status": self.status(version)}
        artifacts = [self.artifact(self.answer, version)] if self.answer else []
        return whole | {"artifacts": artifacts} | ({"kind": "task"} if version == "0.3" else {})

    def artifact(self, text: str, version: Version) -> Json:
        return {"artifactId": f"{self.run_id}-answer", "name": "answer", "parts": [_part(text, version)]}

    def piece(self, text: str, version: Version, *, is_first: bool) -> Json:
        """A part of the answer, as an event of a stream."""
        place = {"taskId": self.task_id, "contextId": self.thread_id, "append": not is_first, "lastChunk": False}
        update = place | {"artifact": self.artifact(text, version)}
        return {"artifactUpdate": update} if version == "1.0" else update | {"kind": "artifact-update"}

    def update(self, version: Version) -> Json:
        """The state, as the last event of a stream."""
        update = {"taskId": self.task_id, "contextId": self.thread_id, "status": self.status(version)}
        return {"statusUpdate": update} if version == "1.0" else update | {"kind": "status-update", "final": True}

    def result(self, version: Version, *, is_wrapped: bool) -> Json:
        task = self.task(version)
        return {"task": task} if version == "1.0" and is_wrapped else task

    def _message(self, version: Version) -> Json:
        shown: Json = {
            "messageId": f"{self.run_id}-{self.state}",
            "contextId": self.thread_id,
            "taskId": self.task_id,
            "role": "agent" if version == "0.3" else "ROLE_AGENT",
            "parts": [_part(self.note, version)],
        }
        return shown | ({"kind": "message"} if version == "0.3" else {})


def _state(state: State, version: Version) -> str:
    return state if version == "0.3" else f"TASK_STATE_{state.replace('-', '_').upper()}"


def _part(text: str, version: Version) -> Json:
    return {"text": text} | ({"kind": "text"} if version == "0.3" else {})


def read_message(params: Json) -> tuple[str, str | None, str | None, bool]:
    """The words, the conversation, the task, and whether to wait for the end. Raises: RpcError."""
    message = params.get("message")
    if not isinstance(message, dict):
        raise RpcError(PARAMS, "params.message: expected a message")
    if message.get("role") not in ("user", "ROLE_USER"):
        raise RpcError(PARAMS, "params.message.role: expected user")
    parts = message.get("parts")
    if not isinstance(parts, list) or not parts:
        raise RpcError(PARAMS, "params.message.parts: expected a list of text parts")
    if not all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in parts):
        raise RpcError(CONTENT, "params.message.parts: expected parts of text only")
    settings = params.get("configuration") or {}
    if (
        not isinstance(settings, dict)
        or settings.get("pushNotificationConfig")
        or settings.get("taskPushNotificationConfig")
    ):
        raise RpcError(UNSUPPORTED, "params.configuration: push notifications are not supported")
    waits = settings.get("blocking", True) is not False and settings.get("returnImmediately") is not True
    text = "\n".join(one["text"] for one in parts)
    return text, read_id(message, "contextId"), read_id(message, "taskId"), waits


def read_id(params: Json, name: str) -> str | None:
    """Raises: RpcError unless it is a text or absent."""
    given = params.get(name) or None
    if given is not None and (not isinstance(given, str) or len(given) > MAX_ID):
        raise RpcError(PARAMS, f"{name}: expected an id")
    return given
