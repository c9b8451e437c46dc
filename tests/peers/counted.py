"""What the Python servers share: a count of requests, and an access log.

GET /counted says how many requests have arrived, whatever their path, and how many of them are in the log. Each is a
line of the file $ACCESS_LOG, written before its answer begins: the HTTP method, the path, what the message asks for,
the status, or - for what there is none of.
"""

import json
import os

import uvicorn


def asked(body):
    """What a message asks for: its method, or that it answers something."""
    try:
        message = json.loads(body)
    except ValueError:
        return "-"
    return message.get("method", "answer") if isinstance(message, dict) else "-"


class Counted:
    """An ASGI application that counts what it hands on."""

    def __init__(self, app):
        self.app = app
        self.log = open(os.environ["ACCESS_LOG"], "a", buffering=1)
        self.arrived = self.logged = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"] == "/counted":
            return await self.say(f"{self.arrived} {self.logged}", send)
        self.arrived += 1
        body = bytearray()
        told = False

        def tell(status):
            nonlocal told
            if not told:
                told = True
                self.logged += 1
                print(scope["method"], scope["path"], asked(body), status, file=self.log)

        async def received():
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sent(message):
            if message["type"] == "http.response.start":
                tell(message["status"])
            await send(message)

        try:
            await self.app(scope, received, sent)
        finally:
            tell("-")

    async def say(self, text, send):
        head = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": text.encode()})


def serve(app, port):
    uvicorn.run(Counted(app), host="127.0.0.1", port=port, log_level="warning")
