"""What Wallaroo raises when an application is wrong."""

from __future__ import annotations


class WallarooParameterError(Exception):
    """The application is declared wrongly.

    The message says where (pipeline and step, or the decorated function), what came, what is wanted and what to write.
    `ApplicationBuilder.build` collects all mistakes of an application into one error, a line each.
    """
