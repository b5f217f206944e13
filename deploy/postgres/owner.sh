#!/bin/sh
# Runs once, when PostgreSQL's folder is empty: the role that owns the tables, and their database.
# The service's own role is created by `countersign migrate`; it owns nothing.
set -eu
psql --username=postgres --no-psqlrc --set=ON_ERROR_STOP=1 --set=password="$OWNER_PASSWORD" <<'SQL'
CREATE ROLE countersign_owner LOGIN NOSUPERUSER CREATEROLE PASSWORD :'password';
CREATE DATABASE countersign OWNER countersign_owner;
SQL
