"""Passes lines on. Its source and, with the argument "both", its sink are resumable."""

import wallaroo


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode()


@wallaroo.encoder
def encoder(text: str) -> str:
    return text + "\n"


def application_setup(args: list[str]) -> wallaroo.Application:
    source, sink = wallaroo.tcp_parse_input_addrs(args)[0], wallaroo.tcp_parse_output_addrs(args)[0]
    ab = wallaroo.ApplicationBuilder("Stream")
    ab.new_pipeline("lines", wallaroo.TCPSourceConfig(*source, decoder, resumable=True))
    ab.to_sink(wallaroo.TCPSinkConfig(*sink, encoder, resumable="both" in args))
    return ab.build()
