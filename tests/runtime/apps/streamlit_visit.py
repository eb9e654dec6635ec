"""A page of Streamlit's as a browser has it open: `streamlit_visit.py PORT`.

A line on stdin is a query, which runs the script; `-` only listens. A line of JSON on stdout says
what came of it: the texts that it wrote, or the code that the WebSocket was closed with.
"""

# pyright: reportMissingImports=false
# Streamlit is in an environment of its own.
import json
import sys

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

url = f"ws://127.0.0.1:{sys.argv[1]}/_stcore/stream"
with connect(url, subprotocols=[Subprotocol("streamlit")], max_size=None) as ws:
    for line in sys.stdin:
        query, texts = line.strip(), []
        if query != "-":
            asked = BackMsg()
            asked.rerun_script.query_string = query
            ws.send(asked.SerializeToString())
        try:
            while True:
                message = ForwardMsg.FromString(ws.recv())
                kind = message.WhichOneof("type")
                if kind == "delta" and message.delta.new_element.HasField("markdown"):
                    texts.append(message.delta.new_element.markdown.body)
                if kind == "script_finished":
                    break
            print(json.dumps({"texts": texts}), flush=True)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            print(json.dumps({"texts": texts, "closed": code}), flush=True)
            break
