"""Serves InvenioRDM's API on loopback, one request at a time, as SQLite wants it."""

from invenio_app.factory import create_api
from settings import CONFIG, PORT
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import run_simple

api = create_api(**CONFIG).wsgi_app
run_simple("127.0.0.1", PORT, DispatcherMiddleware(NotFound(), {"/api": api}), threaded=False)
