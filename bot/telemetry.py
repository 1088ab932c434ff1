"""What the process counts, for `GET /metrics` in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.activities = Counter(
            "bot_activities",
            "Activities by answer to the wire",
            ["answer"],
            registry=self.registry,
        )
        self.turned_away = Counter(
            "bot_turned_away", "Requests refused at the door", ["reason"], registry=self.registry
        )
        self.turn_seconds = Histogram(
            "bot_turn_seconds", "Time until the HTTP answer", registry=self.registry
        )
        self.outcomes = Counter(
            "bot_outcomes", "Answers given to people", ["outcome"], registry=self.registry
        )
        self.in_flight = Gauge("bot_in_flight", "Requests being handled", registry=self.registry)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
