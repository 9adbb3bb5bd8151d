"""A stand-in for OpenSearch, as far as InvenioRDM needs one to store records and list a user's.

It remembers documents in memory and answers searches with those of the asked indices that meet the
conditions it understands (terms, identifiers and their combinations), newest first. Conditions that
it does not understand hold. It scores nothing and counts no facets.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, urlsplit

PORT = int(os.environ["BIOAGREE_INVENIO_SEARCH_PORT"])
DOCUMENTS: dict[str, dict[str, dict]] = {}  # by index and identifier
LOCK = Lock()
SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
VERSION = {
    "number": "2.12.0",
    "distribution": "opensearch",
    "minimum_wire_compatibility_version": "7.10.0",
}


def values_at(document, path):
    """Return all values that a dotted path leads to."""
    found = [document]
    for key in path.split("."):
        found = [entry[key] for entry in found if isinstance(entry, dict) and key in entry]
        found = [one for entry in found for one in (entry if isinstance(entry, list) else [entry])]
    return found


def holds(condition, identifier, document):
    """Say whether a document meets a condition of OpenSearch's query language."""
    kind, of = next(iter(condition.items())) if condition else ("match_all", {})
    if kind == "bool":
        parts = {name: of.get(name, []) for name in ("must", "filter", "should", "must_not")}
        parts = {name: [p] if isinstance(p, dict) else p for name, p in parts.items()}
        should = [holds(part, identifier, document) for part in parts["should"]]
        return (
            all(holds(part, identifier, document) for part in parts["must"] + parts["filter"])
            and not any(holds(part, identifier, document) for part in parts["must_not"])
            and (any(should) or not should or bool(parts["must"] + parts["filter"]))
        )
    if kind in ("term", "terms"):
        path, wanted = next((key, of[key]) for key in of if key != "boost")
        wanted = wanted["value"] if isinstance(wanted, dict) else wanted
        wanted = wanted if isinstance(wanted, list) else [wanted]
        found = values_at(document, path.removesuffix(".keyword"))
        return bool({str(value) for value in found} & {str(value) for value in wanted})
    if kind == "ids":
        return identifier in of["values"]
    if kind == "exists":
        return bool(values_at(document, of["field"]))
    return True


def search(names, body, size=None, start=None):
    """Answer a search in the indices whose names contain one of `names`."""
    wanted = [name.strip("*-") for name in names.split(",")]
    hits = [
        {"_index": index, "_id": key, "_score": 1.0, "_source": document, "sort": [1]}
        for index, documents in DOCUMENTS.items()
        if any(name in index for name in wanted)
        for key, document in documents.items()
        if holds(body.get("query", {}), key, document)
    ]
    hits.sort(key=created, reverse=True)
    total, start = len(hits), body.get("from", start or 0)
    hits = hits[start : start + body.get("size", 10 if size is None else size)]
    found = {"total": {"value": total, "relation": "eq"}, "max_score": 1.0, "hits": hits}
    counts = {"buckets": [], "sum_other_doc_count": 0, "doc_count_error_upper_bound": 0}
    facets = {name: counts for name in body.get("aggs", {})}
    answer = {"took": 1, "timed_out": False, "_shards": SHARDS, "hits": found, "count": total}
    return answer | {"aggregations": facets}


def created(hit):
    """Return when a document was created."""
    return str(hit["_source"].get("created", ""))


def store(index, identifier, document):
    """Remember a document."""
    DOCUMENTS.setdefault(index, {})[identifier] = document
    answer = {"_index": index, "_id": identifier, "_version": 1, "result": "created"}
    return answer | {"_shards": SHARDS, "status": 201}


def forget(index, identifier):
    """Forget a document."""
    known = DOCUMENTS.get(index, {}).pop(identifier, None)
    result = "not_found" if known is None else "deleted"
    return {"_index": index, "_id": identifier, "_version": 2, "result": result, "status": 200}


def bulk(lines, index):
    """Carry out many changes."""
    items, lines = [], iter(lines)
    for line in lines:
        action, of = next(iter(json.loads(line).items()))
        index, identifier = of.get("_index", index), of["_id"]
        done = forget(index, identifier)
        if action in ("index", "create"):
            done = store(index, identifier, json.loads(next(lines)))
        elif action == "update":
            done = store(index, identifier, json.loads(next(lines)).get("doc", {}))
        items.append({action: done})
    return {"took": 1, "errors": False, "items": items}


class Handler(BaseHTTPRequestHandler):
    """Answers as OpenSearch would."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def answer(self):
        """Read a request, and answer it."""
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK:
            status, content = self.found(address.path.strip("/").split("/"), address.query, body)
        content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def found(self, path, query, body):
        """Return status and content of the answer."""
        index, what = path[0], path[1] if len(path) > 1 else ""
        asked = {key: int(text[0]) for key, text in parse_qs(query).items() if text[0].isdigit()}
        if not index:
            return 200, {"name": "stand-in", "cluster_name": "stand-in", "version": VERSION}
        if "_bulk" in path:
            return 200, bulk(filter(bytes.strip, body.splitlines()), index)
        if what in ("_search", "_count"):
            asked = json.loads(body or b"{}"), asked.get("size"), asked.get("from")
            return 200, search(index, *asked)
        if "_msearch" in path:
            lines = [json.loads(line) for line in body.splitlines() if line.strip()]
            heads, bodies = lines[::2], lines[1::2]
            named = [str(head.get("index", index)).strip("[]'") for head in heads]
            answers = [search(*of) | {"status": 200} for of in zip(named, bodies, strict=True)]
            return 200, {"took": 1, "responses": answers}
        if what in ("_doc", "_create") and self.command in ("PUT", "POST"):
            return 201, store(index, path[2], json.loads(body))
        if what == "_doc" and self.command == "DELETE":
            return 200, forget(index, path[2])
        if what == "_doc":
            known = DOCUMENTS.get(index, {}).get(path[2])
            missing = {"_index": index, "_id": path[2], "found": False}
            return (200, missing | {"found": True, "_source": known}) if known else (404, missing)
        if self.command == "HEAD":
            return (200 if "_template" in self.path else 404), {}
        done = {"acknowledged": True, "shards_acknowledged": True, "index": index}
        return 200, done | {"deleted": 0, "updated": 0, "total": 0, "failures": []}

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
