"""SCIM 2.0 as directories speak it (RFC 7643 and 7644): resources in and out, filters, changes in part, errors."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import InvalidFilterError
from crm.directory import DirectoryGroup
from crm.fields import to_json
from crm.records import User
from trust.directory import DirectoryError

PREFIX = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

Json = dict[str, Any]
_FILTER = re.compile(r'\s*([A-Za-z.]{1,40})\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.IGNORECASE)
_MEMBER = re.compile(r'members\[\s*value\s+eq\s+"([^"]{1,36})"\s*\]', re.IGNORECASE)
_TYPES = {"invalid-filter": "invalidFilter", "taken": "uniqueness", "directory": "invalidValue"}


def read_filter(text: str | None, attributes: Mapping[str, str]) -> tuple[str, str] | None:
    """What is to be equal to what; `attributes` are those that may be asked for, in lower case.

    Raises: InvalidFilterError.
    """
    if text is None or not text.strip():
        return None
    found = _FILTER.fullmatch(text)
    name = attributes.get(found[1].lower()) if found else None
    if found is None or name is None:
        raise InvalidFilterError(f'filter: expected one of {", ".join(sorted(attributes))} eq "..."')
    try:
        return name, str(json.loads(found[2]))
    except ValueError:
        raise InvalidFilterError("filter: expected a JSON string after eq") from None


def user_values(resource: Mapping[str, Any], *, is_new: bool) -> tuple[Json, str | None]:
    """The fields of a user that a resource names, and the directory's own id. Raises: DirectoryError."""
    plain = {key.lower(): value for key, value in resource.items()}
    values: Json = {}
    if "username" in plain or is_new:
        values["Username"] = _text(plain.get("username"), "userName")
    name = plain.get("name")
    if isinstance(name, Mapping):
        parts = {key.lower(): value for key, value in name.items()}
        if "givenname" in parts:
            values["FirstName"] = _optional(parts["givenname"], "name.givenName")
        if "familyname" in parts:
            values["LastName"] = _text(parts["familyname"], "name.familyName")
    elif name is not None:
        raise DirectoryError("name", "expected an object")
    for key, field_name in (("emails", "Email"), ("phonenumbers", "Phone")):
        if key in plain:
            values[field_name] = _first(plain[key], key)
    if "active" in plain or is_new:
        values["IsActive"] = _flag(plain.get("active", True))
    if is_new:
        values.setdefault("LastName", values["Username"].split("@")[0])
    external_id = plain.get("externalid")
    return values, None if external_id is None else _text(external_id, "externalId")


_USER_PATHS = {
    "active": "active",
    "username": "userName",
    "externalid": "externalId",
    "emails": "emails",
    "phonenumbers": "phoneNumbers",
    "name": "name",
}


def patched_user(operations: Sequence[Mapping[str, Any]]) -> Json:
    """The resource in part that a list of changes amounts to. Raises: DirectoryError."""
    found: Json = {}
    for operation in operations:
        kind, path, value = _operation(operation)
        if kind == "remove":
            raise DirectoryError("Operations", "a user's attributes can be replaced, not removed")
        if path is None:
            if not isinstance(value, Mapping):
                raise DirectoryError("Operations", "expected an object as value where there is no path")
            for name, part in value.items():
                _put(found, str(name), part, is_strict=False)
        else:
            _put(found, path, value, is_strict=True)
    return found


def _put(found: Json, path: str, value: Any, *, is_strict: bool) -> None:
    """Raises: DirectoryError, for a path that is not known, if that was asked for by name."""
    lower = path.lower().removeprefix(f"{USER.lower()}:")
    if lower in ("name.givenname", "name.familyname"):
        part = "givenName" if lower.endswith("givenname") else "familyName"
        found.setdefault("name", {})[part] = value
    elif re.fullmatch(r"(emails|phonenumbers)\[.{1,80}\]\.value", lower):
        found["emails" if lower.startswith("e") else "phoneNumbers"] = [{"value": value, "primary": True}]
    elif lower in _USER_PATHS:
        found[_USER_PATHS[lower]] = value
    elif is_strict:
        raise DirectoryError("path", f"{path[:80]!r} is no attribute that can be changed here")


def patched_members(operations: Sequence[Mapping[str, Any]], before: Sequence[str]) -> tuple[list[str], str | None]:
    """Members and, if it changes, name of a group after a list of changes. Raises: DirectoryError."""
    members, name = list(before), None
    for operation in operations:
        kind, path, value = _operation(operation)
        if path is None and isinstance(value, Mapping):
            given = {key.lower(): part for key, part in value.items()}
            name = _text(given["displayname"], "displayName") if "displayname" in given else name
            if "members" not in given:
                continue
            path, value = "members", given["members"]
        one = _MEMBER.fullmatch(path or "")
        if one is not None and kind == "remove":
            members = [member for member in members if member != one[1]]
        elif path is not None and path.lower() == "members":
            members = _changed_members(kind, members, value)
        elif path is not None and path.lower() == "displayname" and kind != "remove":
            name = _text(value, "displayName")
        elif path is None or path.lower() != "externalid":
            raise DirectoryError("path", f"{str(path)[:80]!r} is no attribute that can be changed here")
    return members, name


def _changed_members(kind: str, members: list[str], value: Any) -> list[str]:
    given = [] if value is None else member_ids(value)
    if kind == "add":
        return [*members, *(one for one in given if one not in members)]
    if kind == "replace":
        return given
    return [] if value is None else [one for one in members if one not in given]


def member_ids(value: Any) -> list[str]:
    """Raises: DirectoryError."""
    if not isinstance(value, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("value"), str) for one in value
    ):
        raise DirectoryError("members", 'expected a list of {"value": id}')
    return list(dict.fromkeys(one["value"] for one in value))


def _operation(operation: Mapping[str, Any]) -> tuple[str, str | None, Any]:
    """Raises: DirectoryError."""
    plain = {key.lower(): value for key, value in operation.items()}
    kind, path = plain.get("op"), plain.get("path")
    if not isinstance(kind, str) or kind.lower() not in ("add", "replace", "remove"):
        raise DirectoryError("op", "expected add, replace or remove")
    if path is not None and not isinstance(path, str):
        raise DirectoryError("path", "expected text")
    return kind.lower(), path, plain.get("value")


def _text(value: Any, name: str) -> str:
    found = _optional(value, name)
    if found is None:
        raise DirectoryError(name, "expected text")
    return found


def _optional(value: Any, name: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 255 or not value.strip() or not value.isprintable():
        raise DirectoryError(name, "expected a line of at most 255 characters")
    return value.strip()


def _first(value: Any, name: str) -> str | None:
    """Of several addresses the primary one, else the first."""
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise DirectoryError(name, 'expected a list of {"value": ...}')
    chosen = next((one for one in value if one.get("primary") is True), value[0] if value else {})
    return _optional(chosen.get("value"), f"{name}.value")


def _flag(value: Any) -> bool:
    """Some directories send it in words."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise DirectoryError("active", "expected true or false")


def user_resource(user: User, external_id: str | None, groups: Sequence[DirectoryGroup], base: str) -> Json:
    found: Json = {
        "schemas": [USER],
        "id": user.Id,
        "userName": user.Username,
        "name": {"givenName": user.FirstName or "", "familyName": user.LastName},
        "displayName": " ".join(part for part in (user.FirstName, user.LastName) if part),
        "active": user.IsActive,
        "emails": [{"value": user.Email, "type": "work", "primary": True}] if user.Email else [],
        "phoneNumbers": [{"value": user.Phone, "type": "work", "primary": True}] if user.Phone else [],
        "groups": [{"value": one.group_id, "display": one.display_name} for one in groups],
        "meta": {
            "resourceType": "User",
            "created": to_json(user.CreatedDate),
            "lastModified": to_json(user.LastModifiedDate),
            "location": f"{base}{PREFIX}/Users/{user.Id}",
        },
    }
    return found if external_id is None else {**found, "externalId": external_id}


def group_resource(group: DirectoryGroup, members: Sequence[str], base: str) -> Json:
    found: Json = {
        "schemas": [GROUP],
        "id": group.group_id,
        "displayName": group.display_name,
        "members": [{"value": one, "$ref": f"{base}{PREFIX}/Users/{one}"} for one in members],
        "meta": {
            "resourceType": "Group",
            "created": to_json(group.created_at),
            "lastModified": to_json(group.updated_at),
            "location": f"{base}{PREFIX}/Groups/{group.group_id}",
        },
    }
    return found if group.external_id is None else {**found, "externalId": group.external_id}


class ScimErrorsMiddleware:
    """Says errors under `/scim/v2` in SCIM's shape, whichever part of the service made them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
            await self.app(scope, receive, send)
            return
        begun: list[Message] = []
        body = b""

        async def translate(message: Message) -> None:
            nonlocal body
            if message["type"] == "http.response.start" and message["status"] >= 400:
                begun.append(message)
            elif begun and message["type"] == "http.response.body":
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _send_error(begun[0], body, send)
            else:
                await send(message)

        await self.app(scope, receive, translate)


async def _send_error(start: Message, body: bytes, send: Send) -> None:
    status = 400 if start["status"] == 422 else start["status"]
    try:
        problem = json.loads(body)
        detail, kind = str(problem["detail"]), str(problem["type"]).rsplit(":", 1)[-1]
    except (ValueError, KeyError, TypeError):
        detail, kind = "the request failed", ""
    answer: Json = {"schemas": [ERROR], "status": str(status), "detail": detail}
    scim_type = _TYPES.get(kind, "invalidValue" if status == 400 else None)
    if scim_type is not None:
        answer["scimType"] = scim_type
    told = json.dumps(answer).encode()
    kept = [one for one in start["headers"] if one[0].lower() not in (b"content-type", b"content-length")]
    headers = [*kept, (b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(told)).encode())]
    await send({**start, "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told})
