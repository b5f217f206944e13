"""What the user has given in their own words, to be pointed at: `user_input#2` is the second value of their message.

An amount, a web address or an e-mail address that a model writes is the model's word. One that it points at is the
user's, because code takes it from the message.
"""

import re
from collections.abc import Mapping
from typing import Any

REFERENCE = re.compile(r"user_input#([1-9]\d?)")
_VALUE = re.compile(
    r"(?P<url>https?://[^\s<>\"')\]]+)"
    r"|(?P<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})"
    r"|(?P<day>(?<!\d)\d{4}-\d{2}-\d{2}(?!\d))"
    r"|(?P<number>(?<![\w.,#-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w-])|(?<![\w.,#-])\d+(?:\.\d+)?(?![\w-]))"
)
"""Linear in the length of a text: an address begins where none could have begun before, and is no longer than one."""
_MOST = 30


def values_in(text: str) -> list[Any]:
    """Web and e-mail addresses, ISO dates and numbers in a message, in the order they stand there."""
    found: list[Any] = []
    for match in _VALUE.finditer(text):
        if match["number"] is not None and not match["number"].startswith("00"):
            number = float(match["number"].replace(",", ""))
            found.append(int(number) if number.is_integer() else number)
        else:
            found.append(match.group().rstrip(".,;:!?"))
    return found[:_MOST]


def describe(values: list[Any]) -> str:
    """For the prompt: which reference stands for which value."""
    listed = ", ".join(f"user_input#{place} = {value}" for place, value in enumerate(values, 1))
    return f"Values in the user's message, to be given to tools by reference rather than copied: {listed}."


def resolve(argument: Any, values: list[Any]) -> Any:
    """An argument with the values in the place of references that are the whole of a text. Unknown ones stay."""
    if isinstance(argument, str):
        match = REFERENCE.fullmatch(argument.strip())
        place = int(match[1]) if match else 0
        return values[place - 1] if 0 < place <= len(values) else argument
    if isinstance(argument, Mapping):
        return {name: resolve(one, values) for name, one in argument.items()}
    if isinstance(argument, list):
        return [resolve(one, values) for one in argument]
    return argument


def is_reference(argument: Any, values: list[Any]) -> bool:
    """Whether `resolve` puts a value in its place."""
    return isinstance(argument, str) and resolve(argument, values) is not argument
