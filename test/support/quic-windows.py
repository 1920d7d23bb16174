"""Asks over QUIC by aioquic with windows that a test chooses, and prints as JSON what came on each stream.

Read from standard input: port, ca, window (bytes of a stream), connection (bytes of all streams) and asks, each a DNS
message with its length in hexadecimal; isTaking false: no more is let come than the windows. Printed: how long each answer is by its length field and by what came before the
end of the stream (null: reset or none), and the code that the server closed the connection with (null: it did not).
"""

import asyncio
import json
import ssl
import sys

from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamDataReceived, StreamReset

DEADLINE_S = 20


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.came = {}
        self.answers = {}
        self.waiting = set()
        self.closed = None
        self.done = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            self.came[event.stream_id] = self.came.get(event.stream_id, b"") + event.data
            if event.end_stream:
                self.answers[event.stream_id] = self.came[event.stream_id]
                self.end(event.stream_id)
        elif isinstance(event, StreamReset):
            self.end(event.stream_id)
        elif isinstance(event, ConnectionTerminated):
            self.closed = event.error_code
            if not self.done.done():
                self.done.set_result(None)

    def end(self, stream):
        self.waiting.discard(stream)
        if not self.waiting and not self.done.done():
            self.done.set_result(None)

    def ask(self, messages):
        streams = []
        for message in messages:
            stream = self._quic.get_next_available_stream_id()
            self.waiting.add(stream)
            streams.append(stream)
            self._quic.send_stream_data(stream, message, end_stream=True)
        self.transmit()
        return streams


async def main(job):
    configuration = QuicConfiguration(
        alpn_protocols=["doq"],
        cafile=job["ca"],
        server_name=job["name"],
        max_stream_data=job["window"],
        max_data=job["connection"],
        verify_mode=ssl.CERT_REQUIRED,
    )
    async with connect("127.0.0.1", job["port"], configuration=configuration, create_protocol=Client) as client:
        if not job["isTaking"]:
            client._quic._write_stream_limits = lambda *args, **names: None
            client._quic._write_connection_limits = lambda *args, **names: None
        streams = client.ask([bytes.fromhex(ask) for ask in job["asks"]])
        try:
            await asyncio.wait_for(asyncio.shield(client.done), DEADLINE_S)
        except asyncio.TimeoutError:
            pass
        answers = [client.answers.get(stream) for stream in streams]
        result = [a and [int.from_bytes(a[:2], "big"), len(a) - 2] for a in answers]
        print(json.dumps({"answers": result, "closed": client.closed}))


asyncio.run(main(json.load(sys.stdin)))
