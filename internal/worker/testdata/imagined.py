"""The imagined application of the histories, in Python: pipelines and keyed counters, as one argument of JSON says."""

import json

import wallaroo


class Counter:
    def __init__(self):
        self.n = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data):
    peer, index, number = data.decode().split(" ")[:3]
    return peer, int(index), int(number), ""


@wallaroo.encoder
def encode(message):
    return " ".join(map(str, message)) + "\n"


def application_setup(args):
    imagined = json.loads(args[0])
    builder = wallaroo.ApplicationBuilder("imagined")
    for number, stages in enumerate(imagined["pipelines"]):
        builder.new_pipeline(f"p{number}", wallaroo.TCPSourceConfig("127.0.0.1", 0, decode))
        builder.to(first(stages[0]))
        for n, stage in enumerate(stages[1:]):
            builder.to_state_partition(counting(n, stage), Counter, stage["state"], partition(stage, imagined["keys"]))
        builder.to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, encode))
    return builder.build()


def first(stage):
    @wallaroo.computation_multi(name="fan out")
    def fan_out(message):
        peer, index, number, _ = message
        return [(peer, index, number * 3 + i, str(stage["step"])) for i in range(stage["fan"])]

    return fan_out


def key_of(stage, keys, message):
    return f"k{(message[2] * 7 + stage['salt'] * 3) % keys}"


def partition(stage, keys):
    @wallaroo.partition
    def key(message):
        return key_of(stage, keys, message)

    return key


def counting(n, stage):
    @wallaroo.state_computation_multi(name=f"count {n}")
    def count(message, counter):
        peer, index, number, path = message
        counter.n += 1
        key = key_of(stage, stage["keys"], message)
        path = f"{path},{stage['step']}:{stage['state']}:{key}:{counter.n}".lstrip(",")
        return [(peer, index, number * 3 + i, path) for i in range(stage["fan"])], True

    return count
