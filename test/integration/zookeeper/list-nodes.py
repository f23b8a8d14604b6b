"""Lists a tree of nodes with kazoo: prints JSON, for each path its data (base64) and what its stat says.

Arguments: connect string, path.
"""

import base64
import json
import sys

from kazoo.client import KazooClient

hosts, root = sys.argv[1:]
client = KazooClient(hosts=hosts, read_only=False)
client.start(timeout=20)
nodes = {}


def read(path):
    data, stat = client.get(path)
    nodes[path] = {
        "data": base64.b64encode(data).decode(),
        "version": stat.version,
        "modifiedIn": str(stat.mzxid),
        "ephemeralOwner": str(stat.ephemeralOwner),
        "dataLength": stat.dataLength,
    }
    for name in client.get_children(path):
        read(path.rstrip("/") + "/" + name)


read(root)
client.stop()
client.close()
print(json.dumps(nodes))
