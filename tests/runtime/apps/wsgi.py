"""A Flask app."""

import logging

from flask import Flask, request

app = Flask("wsgi")


@app.get("/hello/<name>")
def hello(name: str) -> str:
    logging.getLogger("flask-app").warning("greeting %s", name)
    return f"hello {name}"


@app.post("/upload")
def upload() -> str:
    return str(len(request.get_data()))
