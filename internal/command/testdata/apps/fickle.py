"""Is another application in each process."""

import os

import wallaroo


def application_setup(args):
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    builder = wallaroo.ApplicationBuilder("Fickle")
    builder.new_pipeline(f"of process {os.getpid()}", wallaroo.TCPSourceConfig(in_host, in_port, decode))
    return builder.done().build()


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data):
    return data
