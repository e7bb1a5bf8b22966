"""How long what failed waits before it is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Waits longer after each failure of the same thing: 0.5, 1, 2, 4 ... seconds, at most `most`.

    Of what nobody asks for any more the failures are forgotten, once there are more than `kept`.
    """

    most: float = 30.0
    kept: int = 1000
    _until: dict[str, tuple[float, float]] = field(default_factory=dict)

    def ready(self, key: str, now: float) -> bool:
        """Whether to try again."""
        return now >= self._until.get(key, (0.0, 0.0))[0]

    def failed(self, key: str, now: float) -> float:
        """Notes a failure; returns the seconds to wait."""
        wait = min(self.most, 2 * self._until.get(key, (0.0, 0.25))[1])
        self._until[key] = (now + wait, wait)
        if len(self._until) > self.kept:
            asked = {one: state for one, state in self._until.items() if state[0] + self.most >= now}
            self._until = asked
        return wait

    def succeeded(self, key: str) -> None:
        """Forgets the failures."""
        self._until.pop(key, None)
