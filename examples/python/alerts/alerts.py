"""Watches payments: transactions come in over TCP, and alerts on users whose transactions are unusual go out.

wallaroo run alerts.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import wallaroo

WINDOW = timedelta(seconds=60)
MOST_IN_WINDOW = 3
USUAL_FACTOR = 5
USUAL_AFTER = 4  # transactions; before, nothing is unusual


def application_setup(args: list[str]) -> wallaroo.Application:
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]

    ab = wallaroo.ApplicationBuilder("Transaction Alerts")
    ab.new_pipeline("Transactions", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
    ab.to_state_partition(watch, Account, "accounts", user)
    ab.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
    return ab.build()


@dataclass
class Transaction:
    user: str
    amount: float
    time: datetime


@dataclass
class Alert:
    user: str
    time: str
    reason: str


class Account:
    """What is remembered of a user, who is the key."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.count = 0
        self.total = 0.0
        self.newest = datetime.min
        self.recent: list[datetime] = []

    def is_unusual(self, amount: float) -> bool:
        return self.count >= USUAL_AFTER and amount > USUAL_FACTOR * self.total / self.count

    def add(self, transaction: Transaction) -> None:
        self.count += 1
        self.total += transaction.amount
        self.newest = max(self.newest, transaction.time)
        self.recent.append(transaction.time)
        # By the times in the messages: a transaction that comes late counts when it happened.
        self.recent = [time for time in self.recent if self.newest - time < WINDOW]

    def is_burst(self) -> bool:
        return len(self.recent) > MOST_IN_WINDOW


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> Transaction:
    fields = json.loads(bs)
    return Transaction(fields["user"], fields["amount"], datetime.fromisoformat(fields["time"]))


@wallaroo.partition
def user(transaction: Transaction) -> str:
    return transaction.user


@wallaroo.state_computation_multi(name="watch")
def watch(transaction: Transaction, account: Account) -> tuple[list[Alert], bool]:
    reasons = []
    if account.is_unusual(transaction.amount):
        reasons.append(f"{transaction.amount:.2f} is more than {USUAL_FACTOR} times the usual amount")
    account.add(transaction)
    if account.is_burst():
        reasons.append(f"{len(account.recent)} transactions in {WINDOW.seconds} seconds")
        account.recent.clear()  # One alert for each burst.
    return ([Alert(account.user, transaction.time.isoformat(), reason) for reason in reasons], True)


@wallaroo.encoder
def encoder(alert: Alert) -> str:
    return json.dumps(asdict(alert)) + "\n"
