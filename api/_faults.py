"""What an operator is told of settings that cannot be."""

from pydantic import ValidationError

from api._terminal import CommandError


def refuse_settings(error: ValidationError) -> CommandError:
    """What an operator can put right in the settings, a line for each fault."""
    faults = error.errors(include_url=False)
    said = [f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}" for fault in faults]
    return CommandError("\n".join(said))
