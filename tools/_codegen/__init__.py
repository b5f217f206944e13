"""Writes Python for a tenant's own schema, with the tests that go with it."""
