"""Processes that die or hang while they read, for the tests of what watches over them."""

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
