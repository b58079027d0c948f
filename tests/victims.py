"""Processes that read no file to its end, for the tests of what watches them."""

import os
import time


def dies(connection, place):
    connection.send("ready")
    connection.recv()
    os.abort()


def hangs(connection, place):
    connection.send("ready")
    connection.recv()
    time.sleep(1000)
