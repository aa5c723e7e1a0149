"""The functions of the example are functions: a test calls them."""

import unittest
from datetime import datetime

from alerts import Account, Alert, Transaction, decoder, encoder, user, watch


def paid(second: int, amount: float = 10.0) -> Transaction:
    return Transaction("ada", amount, datetime(2024, 3, 1, 10, second // 60, second % 60))


def watched(*transactions: Transaction) -> list[str]:
    """The reasons of all alerts on transactions of a new account."""
    account = Account("ada")
    return [alert.reason for transaction in transactions for alert in watch(transaction, account)[0]]


class AlertsTest(unittest.TestCase):
    def test_a_burst_is_more_than_three_in_a_minute(self) -> None:
        self.assertEqual(watched(paid(0), paid(20), paid(40), paid(60)), [])
        self.assertEqual(watched(paid(0), paid(20), paid(40), paid(59)), ["4 transactions in 60 seconds"])

    def test_a_burst_is_told_once(self) -> None:
        self.assertEqual(len(watched(*(paid(second) for second in range(7)))), 1)
        self.assertEqual(len(watched(*(paid(second) for second in range(8)))), 2)

    def test_a_late_transaction_counts_when_it_happened(self) -> None:
        self.assertEqual(watched(paid(100), paid(110), paid(120), paid(10)), [])
        self.assertEqual(watched(paid(100), paid(110), paid(120), paid(70)), ["4 transactions in 60 seconds"])

    def test_an_amount_is_unusual_for_the_user(self) -> None:
        usual = [paid(100 * number) for number in range(4)]
        self.assertEqual(watched(*usual, paid(900, 50)), [])
        self.assertEqual(watched(*usual, paid(900, 50.5)), ["50.50 is more than 5 times the usual amount"])
        self.assertEqual(watched(*usual[:3], paid(900, 5000)), [])

    def test_bytes_to_transactions_and_alerts_to_lines(self) -> None:
        transaction = decoder(b'{"user": "ada", "amount": 10.0, "time": "2024-03-01T10:00:07"}')
        self.assertEqual(transaction, paid(7))
        self.assertEqual(user(transaction), "ada")
        self.assertEqual(
            encoder(Alert("ada", "2024-03-01T10:00:07", "why")),
            '{"user": "ada", "time": "2024-03-01T10:00:07", "reason": "why"}\n',
        )


if __name__ == "__main__":
    unittest.main()
