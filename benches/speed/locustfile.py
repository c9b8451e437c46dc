import os

from locust import FastHttpUser, task

BODY = os.environ["BODY"]
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Caller(FastHttpUser):
    concurrency = 1

    @task
    def call(self):
        self.client.post("", data=BODY, headers=HEADERS)
