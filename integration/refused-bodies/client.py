"""Posts in turn a body that is refused and a small one that is permitted, by Python's standard client,
and prints as JSON how often each ended how: by a status, or by an error.

usage: client.py URL CA_FILE REFUSED_TOKEN PERMITTED_TOKEN TRIES BYTES
"""
import http.client
import json
import ssl
import sys
from collections import Counter
from urllib.parse import urlsplit

url, ca_file, refused_token, permitted_token, tries, size = sys.argv[1:]
STATEMENT = b'{"warehouse_id":"w","statement":"SELECT 1"}'
parts = urlsplit(url)
connection = http.client.HTTPSConnection(
    parts.netloc, timeout=30, context=ssl.create_default_context(cafile=ca_file)
)


def post(token, body):
    try:
        connection.request("POST", parts.path, body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__


ends = {"refused": Counter(), "permitted": Counter()}
for _ in range(int(tries)):
    ends["refused"][post(refused_token, b"x" * int(size))] += 1
    ends["permitted"][post(permitted_token, STATEMENT)] += 1
print(json.dumps(ends))
