"""The migration of the app under test: `/rows` needs its table."""

import os

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (id bigint PRIMARY KEY)")
