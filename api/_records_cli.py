"""`countersign show`: a record with the fields that the caller may read."""

from typing import Annotated

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line


def add_to(app: typer.Typer, call: Call) -> None:
    @app.command()
    def show(
        object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="Kind of record, such as Account.")],
        name: Annotated[str, typer.Argument(help="Record id, or the exact name.")],
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Show a record with the fields that you may read."""
        record = call("GET", f"/records/{object_name}", url, who, params={"name": name})
        if printed(record, as_json=as_json):
            return
        for field, value in record.items():
            if value is not None:
                console.print(f"{one_line(field):>22}  {one_line(value)}")
