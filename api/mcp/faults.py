"""What can go wrong with servers of others."""


class ForeignServerDownError(Exception):
    """The server cannot be asked, or answers with what cannot be used."""
