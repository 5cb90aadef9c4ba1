"""Drives taxii2-client 2.3.0 against a server; one PASS or FAIL line per check."""

import datetime
import sys
import uuid

from taxii2client.v21 import Collection, Server, Status, as_pages
from requests.exceptions import HTTPError

url, user, password, collection_id, other_id = sys.argv[1:6]
failed = 0


def check(name, condition, detail=""):
    global failed
    print(f"{'PASS' if condition else 'FAIL'} {name}{'' if condition or detail == '' else f': {detail}'}")
    failed += not condition


def indicator(number, **more):
    now = "2026-01-01T00:00:00.000Z"
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}", "created": now,
        "modified": now, "name": f"indicator {number}", "indicator_types": ["malicious-activity"],
        "pattern": f"[ipv4-addr:value = '198.51.100.{number % 250}']", "pattern_type": "stix", "valid_from": now, **more,
    }


def code_of(call):
    try:
        call()
    except HTTPError as error:
        return error.response.status_code
    return None


server = Server(f"{url}/taxii2/", user=user, password=password)
check("discovery: title", bool(server.title), server.title)
check("discovery: api_roots", len(server.api_roots) > 0)
check("discovery: default is a root", server.default is not None and server.default.url.endswith("/global/"))

root = next(r for r in server.api_roots if r.url.endswith("/global/"))
check("api root: versions", root.versions == ["application/taxii+json;version=2.1"], root.versions)
check("api root: max_content_length", root.max_content_length > 0)

ids = [c.id for c in root.collections]
check("collections: ours is there", collection_id in ids)
check("collections: ascending by id", ids == sorted(ids))
collection = Collection(f"{url}/global/collections/{collection_id}/", user=user, password=password)
check("collection: can_read and can_write", collection.can_read and collection.can_write)
check("collection: empty envelope", collection.get_objects() == {})
check("collection: empty manifest", collection.get_manifest() == {})

objects = [indicator(n) for n in range(1100)]
status = collection.add_objects({"objects": objects[:1000]}, wait_for_completion=True, timeout=60)
check("add_objects: waited until complete", status.status == "complete", status.status)
check("add_objects: counts", (status.total_count, status.success_count) == (1000, 1000))
check("add_objects: list of successes", len(status.successes) == 1000)
rest = collection.add_objects({"objects": objects[1000:]}, wait_for_completion=False)
rest.wait_until_final(1, 60)
check("add_objects: polled until final", rest.success_count == 100, rest.status)
again = Status(f"{url}/global/status/{rest.id}/", user=user, password=password)
check("status: by its URL", (again.id, again.status) == (rest.id, "complete"))

expected = [o["id"] for o in objects]
for per_request in (0, 100, 333, 1099, 1100, 5000):
    found = [o["id"] for page in as_pages(collection.get_objects, per_request=per_request) for o in page.get("objects", [])]
    check(f"as_pages: objects, {per_request} per request", found == expected, f"{len(found)} objects")
found = [o["id"] for page in as_pages(collection.get_manifest, per_request=250) for o in page.get("objects", [])]
check("as_pages: manifest, 250 per request", found == expected, f"{len(found)} records")

one = collection.get_object(objects[7]["id"])
check("get_object: unaltered", one["objects"] == [objects[7]])
check("get_objects: match id", collection.get_objects(id=[objects[1]["id"], objects[2]["id"]])["objects"] == objects[1:3])
check("get_objects: match type", collection.get_objects(type="malware") == {})
hour = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
check("get_objects: added_after in the future", collection.get_objects(added_after=hour) == {})
past = datetime.datetime(2020, 1, 1, 0, 0, 0, 123456, tzinfo=datetime.timezone.utc)
check("get_objects: added_after in the past", len(collection.get_objects(added_after=past, limit=10)["objects"]) == 10)

newer = {**objects[0], "modified": "2026-02-01T00:00:00.000Z", "name": "newer"}
collection.add_objects({"objects": [newer]})
versions = collection.object_versions(objects[0]["id"])
check("versions: both", versions.get("versions") == [objects[0]["modified"], newer["modified"]], versions)
check("get_object: latest", collection.get_object(objects[0]["id"])["objects"][0]["name"] == "newer")
check("get_object: first", collection.get_object(objects[0]["id"], version="first")["objects"][0]["name"] == "indicator 0")

mixed = collection.add_objects({"objects": [indicator(1), {"type": "indicator", "id": "indicator--x"}]})
check("add_objects: a failure", (mixed.success_count, mixed.failure_count) == (1, 1), str(mixed.failures))

collection.delete_object(objects[5]["id"])
check("delete_object: then 404", code_of(lambda: collection.get_object(objects[5]["id"])) == 404)
check("delete_object: again 404", code_of(lambda: collection.delete_object(objects[5]["id"])) == 404)
check("unknown object: 404", code_of(lambda: collection.get_object(f"indicator--{uuid.uuid4()}")) == 404)

unreadable = Collection(f"{url}/global/collections/{other_id}/", user=user, password=password)
check("write-only: the client refuses to read", not unreadable.can_read and unreadable.can_write)
check("wrong password: 401", code_of(lambda: Server(f"{url}/taxii2/", user=user, password="wrong").title) == 401)

print(f"{'FAIL' if failed else 'PASS'} {failed} failed")
sys.exit(1 if failed else 0)
